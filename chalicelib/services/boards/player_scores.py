"""Scores of players on a board, computed from their own totals: the loader of the kind `player`."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.domain.core.batches import batched
from chalicelib.domain.core.periods import ALL, month_name
from chalicelib.domain.progress.player import Player, months_to_load
from chalicelib.domain.progress.scores import BoardUpdate, period_on, score, update
from chalicelib.services.context import Context
from chalicelib.store.progress import keys
from chalicelib.store.progress.player_reads import known_days
from chalicelib.store.progress.players import all_players, load_players
from chalicelib.store.progress.records import read_days

# 500 items: five calls in parallel.
PLAYERS_AT_ONCE = 100


def load_player_scores(context: Context, board: str, players: Sequence[str]) -> list[tuple[BoardUpdate, int]]:
    """Return the states of the existing players, strongly read, each with the time of its last XP, and so its level.

    A player's days are read after the state: a change in between sends its own update to the board.
    """
    rules = context.rules.boards[board.partition("#")[0]]
    period = period_on(rules, board)
    found: dict[str, Player] = {}
    batches = list(batched(players, PLAYERS_AT_ONCE))
    for part in context.each(lambda batch: load_players(context.table, batch), batches):
        found |= part
    if period.kind != ALL:
        _load_days(context, found, months_to_load([period.days.start]))
    return [(update(player, score(player, rules, period), context.rules), player.xp_at) for player in found.values()]


def days_of_players(context: Context) -> set[int]:
    """Return the days on which any player has totals. Reads the whole table."""
    days: set[int] = set()
    for page in all_players(context.table):
        days.update(*context.each(lambda player: known_days(context.table, player), page))
    return days


def _load_days(context: Context, players: dict[str, Player], months: Sequence[int]) -> None:
    player_days = {keys.days(name, month_name(day)): (name, day) for name in players for day in months}
    for key, item in context.table.get_many(list(player_days)).items():
        name, day = player_days[key]
        read_days(players[name], day, item)
