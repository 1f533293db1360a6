"""Reads of the records of a player that the rules of some events need."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from chalicelib.domain.core.periods import date_of, day_of, minute_of, month_name, number_of
from chalicelib.domain.progress.daily_stats import DailyStats
from chalicelib.domain.progress.log import Keyed, Minute, Records
from chalicelib.domain.progress.player import Pair, Player, months_to_load, summed_periods
from chalicelib.store.core import keys as core_keys
from chalicelib.store.core.codecs import Json
from chalicelib.store.core.expiry import is_live
from chalicelib.store.core.models import Item
from chalicelib.store.core.table import Table
from chalicelib.store.events.awards import granter_key, read_granted
from chalicelib.store.progress import keys as progress_keys
from chalicelib.store.progress.models import FirstItem, ImportedItem, KeyedItem, LogItem, PairItem

# Packs per query when a window of the log is searched: 50 KB, about 12 read units.
LOG_PAGE = 50
DAILY_STATS: Json[DailyStats] = Json(DailyStats)


@dataclass(slots=True)
class RecordsToLoad:
    """The records that the rules of one player's events need, apart from the player."""

    minutes: set[int] = field(default_factory=set)
    days: set[int] = field(default_factory=set)
    keyed: set[str] = field(default_factory=set)
    imports: set[str] = field(default_factory=set)
    once: set[str] = field(default_factory=set)
    pairs: set[str] = field(default_factory=set)
    granters: set[tuple[str, int]] = field(default_factory=set)
    firsts: set[str] = field(default_factory=set)

    def past_months(self, player: Player) -> list[int]:
        """Return a day of each month to read: of late days, and of the open day if these events end its week or month.

        The boards of a week or month that ends are the sums of all its days.
        """
        latest = max(self.days, default=player.day)
        ending = player.day >= 0 and any(latest not in period.days for period in summed_periods(player.day))
        return months_to_load(day for day in self.days if day < player.day or (ending and day < latest))

    def keys(self, player: Player) -> list[core_keys.Key]:
        """Return the keys, sorted where the order of a set of texts would differ between processes."""
        found = [progress_keys.log(player.id, minute, 0) for minute in self.minutes]
        found += [progress_keys.days(player.id, month_name(day)) for day in self.past_months(player)]
        found += [progress_keys.keyed(player.id, identity) for identity in sorted(self.keyed)]
        found += [progress_keys.imported(player.id, name) for name in sorted(self.imports)]
        found += [progress_keys.once(player.id, what) for what in sorted(self.once)]
        found += [progress_keys.pair(player.id, other) for other in sorted(self.pairs)]
        found += [granter_key(name, day) for name, day in sorted(self.granters)]
        found += [progress_keys.first(badge) for badge in sorted(self.firsts) if badge not in player.badges]
        return found


def load_records(
    table: Table, wants: dict[str, RecordsToLoad], players: dict[str, Player], now_ms: int
) -> dict[str, Records]:
    """Load the records that the events of each player need; read past days into the player.

    Call it after the players were read: a record that is written in between then fails the condition on the version.
    """
    keys_by_player = {player_id: want.keys(players[player_id]) for player_id, want in wants.items()}
    items = table.get_many([key for player_keys in keys_by_player.values() for key in player_keys])
    return {player_id: _records(table, players[player_id], want, items, now_ms) for player_id, want in wants.items()}


def _records(
    table: Table, player: Player, want: RecordsToLoad, items: dict[core_keys.Key, Item], now_ms: int
) -> Records:
    records = Records()
    for minute in want.minutes:
        first = items.get(progress_keys.log(player.id, minute, 0))
        records.minutes[minute] = read_minute(table, player.id, minute, first) if first else Minute()
    _read_months(player, want.past_months(player), items)
    for identity in want.keyed:
        item = items.get(progress_keys.keyed(player.id, identity))
        if item:
            row = KeyedItem.from_raw_data(item)
            if is_live(int(row.expires), now_ms):
                records.keyed[identity] = Keyed(int(row.time_ms), row.entry)
    for name in want.imports:
        item = items.get(progress_keys.imported(player.id, name))
        if item:
            records.imports[name] = read_imported(item)
    _read_days_of_repeats(table, player, want, records)
    records.once = {what for what in want.once if progress_keys.once(player.id, what) in items}
    for other in want.pairs:
        item = items.get(progress_keys.pair(player.id, other))
        if item:
            pair_row = PairItem.from_raw_data(item)
            records.pairs[other] = Pair(int(pair_row.sent), int(pair_row.received))
    for granter in want.granters:
        records.granted[granter] = read_granted(items.get(granter_key(*granter)))
    for badge in want.firsts:
        item = items.get(progress_keys.first(badge))
        if item:
            records.firsts[badge] = FirstItem.from_raw_data(item).player
    return records


def read_imported(item: Item) -> Keyed:
    row = ImportedItem.from_raw_data(item)
    return Keyed(int(row.time_ms), row.entry)


def _read_months(player: Player, months: list[int], items: dict[core_keys.Key, Item]) -> None:
    for day in months:
        item = items.get(progress_keys.days(player.id, month_name(day)))
        if item:
            read_days(player, day, item)


def _read_days_of_repeats(table: Table, player: Player, want: RecordsToLoad, records: Records) -> None:
    """Read the days of first occurrences: an identity without time may repeat at another time.

    The boards are then updated again for the day of the first occurrence.
    """
    elsewhere = {day_of(keyed.time_ms) for keyed in records.keyed.values()} - want.days
    months = RecordsToLoad(days=elsewhere | want.days).past_months(player) if elsewhere else []
    month_keys = [progress_keys.days(player.id, month_name(day)) for day in months]
    if month_keys:
        _read_months(player, months, table.get_many(month_keys))


def read_minute(table: Table, player_id: str, minute: int, first: Item) -> Minute:
    """Return all chunks of a minute, given its first. Later chunks follow it in the partition."""
    pk, _ = progress_keys.log(player_id, minute, 0)
    chunks = [
        first,
        *table.query_all(
            pk, between=(progress_keys.log(player_id, minute, 1)[1], progress_keys.log_prefix(minute) + "~")
        ),
    ]
    result = Minute()
    for chunk in chunks:
        result.last = LogItem.from_raw_data(chunk).entries
        result.stored += result.last
    result.chunk = len(chunks) - 1
    return result


def model_in_log(table: Table, player_id: str, model: str, since_ms: int, until_ms: int) -> bool:
    """Return whether the log holds a paid use of the model in the closed interval. It reads back from its end."""
    pk, low = progress_keys.log(player_id, minute_of(since_ms), 0)
    between = (low, progress_keys.log_prefix(minute_of(until_ms)) + "~")
    for item in table.query_all(pk, between=between, newest_first=True, limit=LOG_PAGE):
        minute = Minute(LogItem.from_raw_data(item).entries)
        if minute.has_use(model, minute_from(item["sk"]["S"]), since_ms, until_ms):
            return True
    return False


def minute_from(sk: str) -> int:
    """Return the minute in a log item's sort key, `LOG#2026-05-19T12:34#0000`."""
    return int(datetime.fromisoformat(sk.split("#")[1]).replace(tzinfo=UTC).timestamp()) // 60


def read_days(player: Player, any_day: int, item: Item) -> None:
    """Read the past days of the month of `any_day` into the player. The open day is in the state."""
    first = number_of(date_of(any_day).replace(day=1))
    for day, stats in days_in(item, first).items():
        if day != player.day:
            player.past.setdefault(day, stats)


def read_all_days(table: Table, player: Player) -> None:
    """Read all past days into the player: one query, 2 KB per month."""
    pk, prefix = progress_keys.days(player.id, "")
    for item in table.query_all(pk, prefix=prefix):
        read_days(player, number_of(date.fromisoformat(item["sk"]["S"].removeprefix(prefix) + "-01")), item)


def days_in(item: Item, first_day: int) -> dict[int, DailyStats]:
    """Return day -> daily stats of a DAYS item whose month begins at `first_day`."""
    return {
        first_day + int(name[1:]) - 1: DAILY_STATS.deserialize(value["S"])
        for name, value in item.items()
        if name[0] == "d" and name[1:].isdigit()
    }


def day_attribute(day: int) -> str:
    return f"d{date_of(day).day:02d}"
