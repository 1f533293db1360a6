"""States of players on a board, computed from their own totals: the correct content of the board."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.domain.core.batches import batched
from chalicelib.domain.core.periods import ALL, month_name
from chalicelib.domain.progress.player import Player, months_to_load
from chalicelib.domain.progress.scores import BoardUpdate, period_on, score, update
from chalicelib.services.context import Context
from chalicelib.store.progress import keys
from chalicelib.store.progress.players import load_players
from chalicelib.store.progress.records import read_days

# 500 items: five calls in parallel.
PLAYERS_AT_ONCE = 100


def load_states(context: Context, board: str, players: Sequence[str]) -> dict[str, BoardUpdate]:
    """Return the states of the existing players, strongly read. Players with a score of 0 are not on the board.

    A player's days are read after the state: a change in between sends its own update to the board.
    """
    return {name: state for name, (state, _) in load_dated_states(context, board, players).items()}


def load_dated_states(context: Context, board: str, players: Sequence[str]) -> dict[str, tuple[BoardUpdate, int]]:
    """Return the states with the time (ms) of the commit that last changed the player's XP, and so the level."""
    rules = context.rules.boards[board.partition("#")[0]]
    period = period_on(rules, board)
    found: dict[str, Player] = {}
    batches = list(batched(players, PLAYERS_AT_ONCE))
    for part in context.each(lambda batch: load_players(context.table, batch), batches):
        found |= part
    if period.kind != ALL:
        _load_days(context, found, months_to_load([period.days.start]))
    return {
        name: (update(player, score(player, rules, period), context.rules), player.xp_at)
        for name, player in found.items()
    }


def _load_days(context: Context, players: dict[str, Player], months: Sequence[int]) -> None:
    player_days = {keys.days(name, month_name(day)): (name, day) for name in players for day in months}
    for key, item in context.table.get_many(list(player_days)).items():
        name, day = player_days[key]
        read_days(players[name], day, item)
