"""Updates to boards after a batch of events: the player's states, repeated for duplicates."""

from __future__ import annotations

from dataclasses import dataclass, field

from chalicelib.domain.core.periods import month_name
from chalicelib.domain.events.payloads import PLAYER_IMPORTED
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
    """Changes that boards must show.

    `before`: board -> (score, reached at) when the player was read. `touched`: the days of the applied events. `again`:
    the days of duplicates, whose states may have been lost. `everywhere`: the name or the privacy of the player may
    have changed. `relevelled`: the level or title changed. `renewed`: the rules changed.
    """

    before: dict[str, tuple[int, int]]
    touched: set[int] = field(default_factory=set)
    again: set[int] = field(default_factory=set)
    everywhere: bool = False
    relevelled: bool = False
    renewed: bool = False

    def note_again(self, day: int, entry: Entry) -> None:
        """Note a duplicate of the day. An import belongs to no day; `note` requests all boards that count it."""
        if entry.type != PLAYER_IMPORTED:
            self.again.add(day)
        self.note(entry)

    def note(self, entry: Entry) -> None:
        """Note the effect on boards of an event that was applied now or before."""
        self.everywhere |= entry.type in SHOWN_TYPES or entry.type == PLAYER_IMPORTED
        self.renewed |= entry.type == RULESET_APPLIED
        self.relevelled |= entry.shows_another_level


def updates_to_publish(context: Context, player: Player, news: News) -> dict[str, BoardUpdate]:
    """Return the states of a player for the boards to update.

    These are the boards whose score moved and all boards of duplicates; after some changes all open or all kept boards.
    The player is in the state of the last commit. Days that are read here may be newer: the process that changed them
    sends them too.
    """
    rules = context.rules
    points_by_board = scores.scores(player, sorted(news.again), rules)
    points_by_board |= {
        board: points
        for board, points in scores.scores(player, sorted(news.touched), rules).items()
        if _moved(news.before.get(board, (0, 0)), points)
    }
    if news.relevelled or news.renewed:
        _read_open_days(context, player)
        points_by_board |= scores.open_scores(player, rules, context.now_ms(), zeros=news.renewed)
    if news.everywhere:
        if player.day >= 0:
            read_all_days(context.table, player)
        days = sorted({*player.past, player.day} - {-1})
        points_by_board |= scores.kept_scores(player, days, rules, context.now_ms())
    return {board: scores.update(player, points, rules) for board, points in points_by_board.items()}


def _read_open_days(context: Context, player: Player) -> None:
    """Read the days that open boards count before the player's latest day: usually there are none."""
    days = range(scores.open_since(context.rules, context.now_ms()), player.day)
    missing = {keys.days(player.id, month_name(day)): day for day in months_to_load(days)}
    if missing:
        for key, item in context.table.get_many(list(missing)).items():
            read_days(player, missing[key], item)


def _moved(before: tuple[int, int], after: tuple[int, int]) -> bool:
    """Return whether the place on a board changed: by score, or among players with the same score."""
    return before[0] != after[0] or (after[0] > 0 and before[1] != after[1])
