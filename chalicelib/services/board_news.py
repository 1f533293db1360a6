"""What boards must be told of a player after a batch of events: states, as many times as it takes."""

from __future__ import annotations

from dataclasses import dataclass, field

from chalicelib.domain import boards
from chalicelib.domain.boards import BoardUpdate
from chalicelib.domain.player import Player
from chalicelib.services.context import Context
from chalicelib.store.records import read_all_days


@dataclass(slots=True)
class News:
    """`before`: board -> (score, reached at) as the player was read. `touched`: the days of events that were applied;
    `again`: of those that were applied before, whose states may have been lost. `everywhere`: the player may be shown
    as somebody else since."""

    before: dict[str, tuple[int, int]]
    touched: set[int] = field(default_factory=set)
    again: set[int] = field(default_factory=set)
    everywhere: bool = False


def states_to_tell(context: Context, player: Player, news: News) -> dict[str, BoardUpdate]:
    """The boards whose score moved, all boards of events that were applied before, or all that are kept.

    The player is as of the last commit. Days that are read here may be newer: who changed them tells of them too.
    """
    rules = context.rules
    told = boards.scores(player, sorted(news.again), rules)
    told |= {
        board: points
        for board, points in boards.scores(player, sorted(news.touched), rules).items()
        if _moved(news.before.get(board, (0, 0)), points)
    }
    if news.everywhere:
        read_all_days(context.table, player)
        days = sorted({*player.past, player.day} - {-1})
        told |= boards.kept_scores(player, days, rules, context.now_ms())
    return {board: boards.update(player, points, rules) for board, points in told.items()}


def _moved(before: tuple[int, int], after: tuple[int, int]) -> bool:
    """Whether a place on a board is another one: by score, or among those who share it."""
    return before[0] != after[0] or (after[0] > 0 and before[1] != after[1])
