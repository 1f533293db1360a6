"""Ranks that earn something: the last one on a board, and the rewards of each."""

from __future__ import annotations

from collections.abc import Iterator

from chalicelib.domain.rules.criteria import All, Any, Criterion, Rank
from chalicelib.domain.rules.ruleset import Rules
from chalicelib.domain.rules.schema import Board

# Badges do not count ranks among fewer players. Rank rewards are paid on any board.
MIN_PLAYERS = 50


def last_rank(rules: Rules, board: Board, total: int) -> int:
    """Return the last rank that earns anything on a board of `total` players; 0 if no rank does."""
    ranks = [reward.to for reward in board.rewards]
    if total >= MIN_PLAYERS:
        criteria = (rank for badge in rules.ruleset.badges for rank in _ranks_in(badge.criterion))
        ranks += [rank.top for rank in criteria if rank.scope in ("*", board.scope)]
    return max(ranks, default=0)


def rewards_of(board: Board, rank: int) -> dict[str, int]:
    """Return asset -> amount that a rank is paid when a period of the board ends."""
    return {reward.asset: reward.amount for reward in board.rewards if reward.first <= rank <= reward.to}


def _ranks_in(criterion: Criterion) -> Iterator[Rank]:
    if isinstance(criterion, Rank):
        yield criterion
    elif isinstance(criterion, All | Any):
        for part in criterion.criteria:
            yield from _ranks_in(part)
