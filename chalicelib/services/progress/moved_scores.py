"""What boards must be told of a player after a batch of events: states, as many times as it takes."""

from __future__ import annotations

from dataclasses import dataclass, field

from chalicelib.domain.core.periods import month_name
from chalicelib.domain.progress import scores
from chalicelib.domain.progress.apply_event import RULESET_APPLIED
from chalicelib.domain.progress.log import Entry
from chalicelib.domain.progress.player import Player, months_to_load
from chalicelib.domain.progress.profile import SHOWN_TYPES
from chalicelib.domain.progress.scores import BoardUpdate
from chalicelib.services.context import Context
from chalicelib.store.progress import keys
from chalicelib.store.progress.records import read_all_days, read_days


@dataclass(slots=True)
class News:
    """`before`: board -> (score, reached at) as the player was read. `touched`: the days of events that were applied;
    `again`: of those that were applied before, whose states may have been lost. `everywhere`: the player may be shown
    as somebody else since. `relevelled`: with another level or title. `renewed`: by other rules."""

    before: dict[str, tuple[int, int]]
    touched: set[int] = field(default_factory=set)
    again: set[int] = field(default_factory=set)
    everywhere: bool = False
    relevelled: bool = False
    renewed: bool = False

    def note(self, entry: Entry) -> None:
        """Note what an event that was applied, now or before, makes boards show."""
        self.everywhere |= entry.type in SHOWN_TYPES
        self.renewed |= entry.type == RULESET_APPLIED
        self.relevelled |= entry.shows_another_level


def states_to_tell(context: Context, player: Player, news: News) -> dict[str, BoardUpdate]:
    """The boards whose score moved, all boards of events that were applied before; all that are open, or all that are
    kept.

    The player is as of the last commit. Days that are read here may be newer: who changed them tells of them too.
    """
    rules = context.rules
    told = scores.scores(player, sorted(news.again), rules)
    told |= {
        board: points
        for board, points in scores.scores(player, sorted(news.touched), rules).items()
        if _moved(news.before.get(board, (0, 0)), points)
    }
    if news.relevelled or news.renewed:
        _read_open_days(context, player)
        told |= scores.open_scores(player, rules, context.now_ms(), zeros=news.renewed)
    if news.everywhere:
        read_all_days(context.table, player)
        days = sorted({*player.past, player.day} - {-1})
        told |= scores.kept_scores(player, days, rules, context.now_ms())
    return {board: scores.update(player, points, rules) for board, points in told.items()}


def _read_open_days(context: Context, player: Player) -> None:
    """Read the days before the player's latest one that open boards count: mostly there are none."""
    days = range(scores.open_since(context.rules, context.now_ms()), player.day)
    wanted = {keys.days(player.id, month_name(day)): day for day in months_to_load(days)}
    if wanted:
        for key, item in context.table.get_many(list(wanted)).items():
            read_days(player, wanted[key], item)


def _moved(before: tuple[int, int], after: tuple[int, int]) -> bool:
    """Whether a place on a board is another one: by score, or among those who share it."""
    return before[0] != after[0] or (after[0] > 0 and before[1] != after[1])
