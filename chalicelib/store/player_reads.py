"""What readers are shown of a player beside the state: ids, ranks, balances, days."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from chalicelib.domain.periods import month_days, month_name, number_of
from chalicelib.domain.player import Identity, Player
from chalicelib.store import keys
from chalicelib.store.models import BadgesItem, BalanceItem, PublicItem
from chalicelib.store.players import read_identity
from chalicelib.store.records import day_figures, read_days
from chalicelib.store.table import Table


def player_of_public(table: Table, public_id: str) -> str | None:
    """The id of the player with this public id."""
    item = table.get(keys.public(public_id))
    return PublicItem.from_raw_data(item).player if item else None


def players_of_public(table: Table, public_ids: Sequence[str]) -> dict[str, tuple[str, Identity]]:
    """(id, identity) of the players with these public ids, as far as they exist; two eventually consistent reads."""
    items = table.get_many([keys.public(public_id) for public_id in public_ids], strong=False)
    players = [PublicItem.from_raw_data(item).player for item in items.values()]
    found = table.get_many([keys.player(player, keys.IDENTITY) for player in players], strong=False)
    identities = {pk.removeprefix("PLAYER#"): read_identity(item) for (pk, _), item in found.items()}
    return {identity.public: (player, identity) for player, identity in identities.items()}


def best_ranks(table: Table, players: Sequence[str], scope: str) -> dict[str, int]:
    """The best judged rank on boards of a scope, of players who have one."""
    items = table.get_many([keys.player(player, keys.BADGES) for player in players])
    ranks = {pk.removeprefix("PLAYER#"): BadgesItem.from_raw_data(item).ranks or {} for (pk, _), item in items.items()}
    return {player: best[scope] for player, best in ranks.items() if scope in best}


def read_balances(table: Table, account: str, assets: Sequence[str]) -> dict[str, int]:
    """Balance by asset; 0 where nothing was ever posted."""
    wanted = {asset: keys.account(account, asset) for asset in assets}
    found = table.get_many(list(wanted.values()))
    return {
        asset: int(BalanceItem.from_raw_data(found[key]).balance) if key in found else 0
        for asset, key in wanted.items()
    }


def load_days(table: Table, player: Player, days: Iterable[int]) -> None:
    """Read the figures of past days into the player: one item a month."""
    months = {month_name(day): month_days(day)[0] for day in days}
    found = table.get_many([keys.days(player.id, month) for month in months])
    for month, first_day in months.items():
        item = found.get(keys.days(player.id, month))
        if item:
            read_days(player, first_day, item)


def known_days(table: Table, player: str) -> set[int]:
    """Every day for which a player has figures, the open one too."""
    found: set[int] = set()
    state = table.get(keys.player(player))
    if state and int(state["d"]["N"]) >= 0:
        found.add(int(state["d"]["N"]))
    pk, prefix = keys.days(player, "")
    for item in table.query_all(pk, prefix=prefix):
        first = number_of(date.fromisoformat(f"{item['sk']['S'].removeprefix(prefix)}-01"))
        found |= day_figures(item, first).keys()
    return found
