"""Reads of a player's data outside of the state: ids, ranks, balances, days."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from chalicelib.domain.core.periods import month_name, number_of, period_of
from chalicelib.domain.progress.player import Player
from chalicelib.store.core.table import Table
from chalicelib.store.identity import keys as identity_keys
from chalicelib.store.progress import keys as progress_keys
from chalicelib.store.progress.models import BadgesItem, StateItem
from chalicelib.store.progress.records import days_in, read_days


def best_ranks(table: Table, players: Sequence[str], scope: str) -> dict[str, int]:
    """Return the best judged rank on boards of a scope, of players who have one."""
    items = table.get_many([identity_keys.player(player, progress_keys.BADGES) for player in players])
    ranks = {
        pk.removeprefix(identity_keys.PLAYER): BadgesItem.from_raw_data(item).ranks or {}
        for (pk, _), item in items.items()
    }
    return {player: best[scope] for player, best in ranks.items() if scope in best}


def load_days(table: Table, player: Player, days: Iterable[int]) -> None:
    """Read the daily stats of past days into the player: one item a month."""
    months = {month_name(day): period_of("monthly", day).days.start for day in days}
    found = table.get_many([progress_keys.days(player.id, month) for month in months])
    for month, first_day in months.items():
        item = found.get(progress_keys.days(player.id, month))
        if item:
            read_days(player, first_day, item)


def known_days(table: Table, player: str) -> set[int]:
    """Return every day for which a player has daily stats, the open one too."""
    found: set[int] = set()
    item = table.get(identity_keys.player(player))
    if item and (day := int(StateItem.from_raw_data(item).day)) >= 0:
        found.add(day)
    pk, prefix = progress_keys.days(player, "")
    for item in table.query_all(pk, prefix=prefix):
        first = number_of(date.fromisoformat(f"{item['sk']['S'].removeprefix(prefix)}-01"))
        found |= days_in(item, first).keys()
    return found
