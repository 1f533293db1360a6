"""What readers are shown of a player beside the state: balances, days, the log page by page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from chalicelib.domain.log import Entry
from chalicelib.domain.periods import month_days, month_name, number_of
from chalicelib.domain.player import Identity, Player
from chalicelib.store import keys
from chalicelib.store.models import BadgesItem, BalanceItem, LogItem, PublicItem
from chalicelib.store.players import read_identity
from chalicelib.store.records import day_figures, minute_from, read_days
from chalicelib.store.table import Table, key_of


@dataclass(frozen=True, slots=True)
class Place:
    """Where an entry stands in the log: its pack (minute and chunk), and its position there."""

    minute: int
    chunk: int
    position: int


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


@dataclass(frozen=True, slots=True)
class LogPage:
    """Entries of the log with their places, and the place to go on before, or None at the end."""

    entries: list[tuple[Place, Entry]]
    next: Place | None


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


def log_page(table: Table, player: str, now_ms: int, packs: int, before: Place | None = None) -> LogPage:
    """The entries of up to `packs` packs before a place (or from the end), newest minute first.

    Within a minute the last committed comes first: packs only grow, so a place never moves. What has expired by
    the clock is left out, so a page may be empty and not the last. One eventually consistent query.
    """
    pk, top = keys.player(player, keys.LOG + "~")
    start = None
    if before:
        top = keys.log(player, before.minute, before.chunk)[1]
        start = None if before.position else key_of((pk, top))
    page = table.query(pk, between=(keys.LOG, top), newest_first=True, limit=packs, start=start, strong=False)
    found: list[tuple[Place, Entry]] = []
    last: Place | None = None
    for item in page.items:
        pack = LogItem.from_raw_data(item)
        last = Place(minute_from(pack.sk), int(pack.sk.rpartition("#")[2]), 0)
        known = pack.entries
        if before and (last.minute, last.chunk) == (before.minute, before.chunk):
            known = known[: before.position]
        if int(pack.expires) * 1000 > now_ms:
            found += [(Place(last.minute, last.chunk, at), known[at]) for at in reversed(range(len(known)))]
    return LogPage(found, (last or before) if page.next is not None else None)
