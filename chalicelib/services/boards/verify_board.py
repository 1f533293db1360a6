"""Verify a board: entries against their subjects' own totals, the rank index against the entries.

Reads strongly, reads suspicious data again, and distinguishes data in flight from differences.
An entry of a subject whose kind is unknown is a difference: nothing proves its score.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from chalicelib.domain.boards.index_proof import Difference
from chalicelib.domain.core.errors import InvalidRequest
from chalicelib.domain.core.periods import day_of, parse_period
from chalicelib.domain.core.sentences import not_one_of
from chalicelib.domain.progress.scores import board_id, is_kept
from chalicelib.services.boards.verify_entries import READINGS, EntryProof
from chalicelib.services.boards.verify_nodes import NodeProof
from chalicelib.services.context import Context, OutOfTime


@dataclass(frozen=True, slots=True)
class Verified:
    """The result of a check.

    `differences`: those that stayed. `in_flight`, `after_freeze`: numbers of explained deviations. `entries`, `nodes`:
    numbers read. `more`: too many entries are wrong to list all. `proven`: the check was complete; if not, differences
    are those that were read often enough before the time ran out.
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
    """Return the id of a board, by default of the current period. Raises InvalidRequest if there is none."""
    board = context.rules.boards.get(scope)
    if board is None:
        raise InvalidRequest(not_one_of("scope", scope, context.rules.boards), parameter="scope")
    named = parse_period(board.period, period, day_of(context.now_ms()))
    if not is_kept(board, named, context.now_ms()):
        raise InvalidRequest(f"Boards of '{scope}' are kept for {board.keep_days} days.", parameter="period")
    return board_id(scope, named.id)


def verify_board(
    context: Context,
    board: str,
    wait: Callable[[], None],
    *,
    everybody: bool = True,
    subjects: Sequence[str] = (),
    patience_ms: int = 0,
    read: Callable[[int], None] = lambda _: None,
) -> Verified:
    """Verify a board, or stop before the deadline.

    `wait()`: the pause before a second read. `read(n)`: called with the number of entries that a pass has read.
    `everybody`: search all subjects for missing entries, which reads the whole table; else only `subjects`.
    `patience_ms`: scores as recent as this stay in flight in all reads.
    """
    people, index = EntryProof(context, board, patience_ms), NodeProof(context, board)
    progress = _Progress(read)
    try:
        for rows in index.survey():
            people.check([row.subject for row in rows], {row.subject: row for row in rows})
            progress.add(rows)
        if everybody:
            people.check_missing()
        elif subjects:
            people.check_subjects(subjects)
        for _ in range(READINGS - 1):
            if people.is_settled and index.is_settled:
                break
            wait()
            people.check_again()
            if not index.is_settled:
                again = _Progress(read)
                for rows in index.survey():
                    again.add(rows)
    except OutOfTime:
        return replace(_verified_so_far(board, people, index, progress.entries), proven=False)
    return _verified_so_far(board, people, index, progress.entries)


class _Progress:
    """The number of entries that a pass has read."""

    def __init__(self, read: Callable[[int], None]) -> None:
        self.read, self.entries = read, 0

    def add(self, rows: Sequence[object]) -> None:
        self.entries += len(rows)
        self.read(self.entries)


def _verified_so_far(board: str, people: EntryProof, index: NodeProof, entries: int) -> Verified:
    return verified(board, people, index.differences(), index.in_flight, entries, index.node_count)


def verified(
    board: str, people: EntryProof, differences: Sequence[Difference], in_flight: int, entries: int, nodes: int
) -> Verified:
    """Return the result for a board, given the result for its nodes."""
    return Verified(
        board,
        differences=[*people.differences(), *differences],
        in_flight=people.in_flight + in_flight,
        after_freeze=len(people.after_freeze),
        entries=entries,
        nodes=nodes,
        more=people.more,
    )
