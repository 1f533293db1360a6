"""Prove a board: entries against the players' own totals, the rank index against the entries.

Reads strongly, reads again what looks wrong, and tells what is in flight from what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chalicelib.domain.board_proof import Difference
from chalicelib.domain.boards import board_id, kept_until_ms
from chalicelib.domain.errors import InvalidRequest
from chalicelib.domain.periods import day_of, parse_period
from chalicelib.services.context import Context
from chalicelib.services.verify_entries import READINGS, EntryProof
from chalicelib.services.verify_nodes import NodeProof


@dataclass(frozen=True, slots=True)
class Verified:
    """`differences` that stayed; `in_flight` and `after_freeze`: what is explained. `entries`, `nodes`: how many.

    `more`: so many entries are wrong that not all are listed.
    """

    board: str
    differences: list[Difference]
    in_flight: int
    after_freeze: int
    entries: int
    nodes: int
    more: bool


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
) -> Verified:
    """Verify a board. `wait()`: the pause before something is read again.

    `everybody`: look also for players who should have an entry and have none, which reads the whole table; otherwise
    only among `players`. `patience_ms`: scores reached so lately may be on their way, however long it takes.
    """
    people, index = EntryProof(context, board, patience_ms), NodeProof(context, board)
    entries = 0
    for rows in index.survey():
        people.look([row.player for row in rows], {row.player: row for row in rows})
        entries += len(rows)
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
            for _rows in index.survey():
                pass
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
