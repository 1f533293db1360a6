"""Verify boards on a schedule: small ones whole, large ones by samples, in random order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from chalicelib.domain.boards.index_proof import COUNT, TOTAL, NodeRow
from chalicelib.domain.core.errors import InvalidRequest
from chalicelib.domain.core.periods import ALL, MINUTE_MS, day_of, period_before, period_of
from chalicelib.domain.progress.scores import board_id, shards_of
from chalicelib.services.boards.sample_nodes import NodeSample
from chalicelib.services.boards.subject_scores import some_subjects
from chalicelib.services.boards.verify_board import Verified, find_board, verified, verify_board
from chalicelib.services.boards.verify_entries import READINGS, EntryProof
from chalicelib.services.context import Context, OutOfTime
from chalicelib.store.boards.proof import read_node_rows

# Boards up to this size are verified whole: some 5,000 read units, most of them for the subjects.
WHOLE = 10_000
SAMPLED_SUBJECTS = 100
SAMPLED_WALKS = 10
# Besides the open period and the previous one, one of so many earlier periods.
PERIODS_BACK = 30
# Time for one board: a minute for 10,000 subjects, and three pauses.
RESERVE_MS = 120_000
# Messages of a crashed writer are delivered again after three minutes, maybe more than once.
PATIENCE_MS = 15 * MINUTE_MS


def sample_boards(context: Context, wait: Callable[[], None]) -> Iterator[Verified]:
    """Verify one board after the other, until the deadline is near. `wait()`: the pause before a second read.

    A board for which the time runs out comes last, as not proven.
    """
    subjects = some_subjects(context)[:SAMPLED_SUBJECTS]
    for board in sampled_boards(context):
        if not context.has_time(RESERVE_MS):
            return
        if _total(context, board) <= WHOLE:
            yield verify_board(context, board, wait, everybody=False, subjects=subjects, patience_ms=PATIENCE_MS)
        else:
            yield _sample(context, board, wait, subjects)


def sampled_boards(context: Context) -> list[str]:
    """Return the boards of each scope's open period, the previous one, and an older one, in random order."""
    chosen: dict[str, None] = {}
    for scope, board in context.rules.boards.items():
        period = period_of(board.period, day_of(context.now_ms()))
        back = round(context.uniform(2, PERIODS_BACK))
        for number in range(1 if board.period == ALL else back + 1):
            if number in (0, 1, back) and _is_kept(context, scope, period.id):
                chosen[board_id(scope, period.id)] = None
            if board.period != ALL:
                period = period_before(period)
    return sorted(chosen, key=lambda _: context.uniform(0, 1))


def _is_kept(context: Context, scope: str, period: str) -> bool:
    try:
        find_board(context, scope, period)
    except InvalidRequest:
        return False
    return True


def _total(context: Context, board: str) -> int:
    return sum(
        read_node_rows(context.table, shard, [TOTAL]).get(TOTAL, NodeRow()).values.get(COUNT, 0)
        for shard in _shards(context, board)
    )


def _sample(context: Context, board: str, wait: Callable[[], None], subjects: Sequence[str]) -> Verified:
    """Verify random counters against the index, and entries of their and of other subjects against the totals."""
    people = EntryProof(context, board, PATIENCE_MS)
    shards = _shards(context, board)
    index = NodeSample(context, board, shards[min(int(context.uniform(0, len(shards))), len(shards) - 1)])
    for _ in range(SAMPLED_WALKS):
        index.choose()
    listed = sorted(index.subjects, key=lambda _: context.uniform(0, 1))[:SAMPLED_SUBJECTS]
    chosen = list(dict.fromkeys([*listed, *subjects]))
    in_time = True
    try:
        people.check_subjects(chosen)
        for _ in range(READINGS - 1):
            if people.is_settled and index.is_settled:
                break
            wait()
            people.check_again()
            index.check_again()
    except OutOfTime:
        in_time = False
    differences = index.differences() if in_time else []
    return replace(verified(board, people, differences, 0, len(chosen), len(index.counted)), proven=in_time)


def _shards(context: Context, board: str) -> list[str]:
    return shards_of(board, context.rules.boards[board.partition("#")[0]].shards)
