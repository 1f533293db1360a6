"""Prove a board: entries against the players' own totals, the rank index against the entries.

Reads strongly, reads again what looks wrong, and tells what is in flight from what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from chalicelib.domain.boards.index_proof import Difference
from chalicelib.domain.core.errors import InvalidRequest
from chalicelib.domain.core.periods import day_of, parse_period
from chalicelib.domain.progress.scores import board_id, kept_until_ms
from chalicelib.services.boards.verify_entries import READINGS, EntryProof
from chalicelib.services.boards.verify_nodes import NodeProof
from chalicelib.services.context import Context, OutOfTime


@dataclass(frozen=True, slots=True)
class Verified:
    """`differences` that stayed; `in_flight` and `after_freeze`: what is explained. `entries`, `nodes`: how many.

    `more`: so many entries are wrong that not all are listed. `proven`: there was time for all of it; if not,
    differences are those that had been read often enough until then.
    """

    board: str
    differences: list[Difference]
    in_flight: int
    after_freeze: int
    entries: int
    nodes: int
    more: bool
    proven: bool = True


def find_board(context: Context, scope: str, period: str | None = None) -> str:
    """The id of a board, by default of the period that holds today. Raises InvalidRequest if there is no such one."""
    board = context.rules.boards.get(scope)
    if board is None:
        raise InvalidRequest(f"'scope' must be one of {', '.join(context.rules.boards)}.", parameter="scope")
    named = parse_period(board.period, period, day_of(context.now_ms()))
    if board.keep_days is not None and kept_until_ms(named, board.keep_days) <= context.now_ms():
        raise InvalidRequest(f"Boards of '{scope}' are kept for {board.keep_days} days.", parameter="period")
    return board_id(scope, named)


def verify_board(
    context: Context,
    board: str,
    wait: Callable[[], None],
    *,
    everybody: bool = True,
    players: Sequence[str] = (),
    patience_ms: int = 0,
    read: Callable[[int], None] = lambda _: None,
) -> Verified:
    """Verify a board, or stop before the deadline. `wait()`: the pause before something is read again. `read(n)` hears
    of the entries that a pass has read so far.

    `everybody`: look also for players who should have an entry and have none, which reads the whole table; otherwise
    only among `players`. `patience_ms`: scores reached so lately may be on their way, however long it takes.
    """
    people, index = EntryProof(context, board, patience_ms), NodeProof(context, board)
    seen = _Seen(read)
    try:
        for rows in index.survey():
            people.look([row.player for row in rows], {row.player: row for row in rows})
            seen.add(rows)
        if everybody:
            people.look_for_missing()
        elif players:
            people.look_at(players)
        for _ in range(READINGS - 1):
            if people.is_settled and index.is_settled:
                break
            wait()
            people.look_again()
            if not index.is_settled:
                again = _Seen(read)
                for rows in index.survey():
                    again.add(rows)
    except OutOfTime:
        return replace(_verified_so_far(board, people, index, seen.entries), proven=False)
    return _verified_so_far(board, people, index, seen.entries)


class _Seen:
    """Counts the entries of a pass as it goes."""

    def __init__(self, read: Callable[[int], None]) -> None:
        self.read, self.entries = read, 0

    def add(self, rows: Sequence[object]) -> None:
        self.entries += len(rows)
        self.read(self.entries)


def _verified_so_far(board: str, people: EntryProof, index: NodeProof, entries: int) -> Verified:
    return verified(board, people, index.differences(), index.in_flight, entries, index.seen)


def verified(
    board: str, people: EntryProof, differences: Sequence[Difference], in_flight: int, entries: int, nodes: int
) -> Verified:
    """What became of a board, given what became of its nodes."""
    return Verified(
        board,
        differences=[*people.differences(), *differences],
        in_flight=people.in_flight + in_flight,
        after_freeze=len(people.after_freeze),
        entries=entries,
        nodes=nodes,
        more=people.more,
    )
