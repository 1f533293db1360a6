"""Reading players and the records beside them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from chalicelib.domain.log import Keyed, Minute, Records
from chalicelib.domain.periods import date_of, day_of, minute_of, month_days, month_name, number_of, week_days
from chalicelib.domain.player import DayFigures, Identity, ModelUse, Pair, Player, months_to_load
from chalicelib.domain.streaks import Streak
from chalicelib.store import keys
from chalicelib.store.models import (
    BadgesItem,
    IdentityItem,
    Item,
    Json,
    KeyedItem,
    LogItem,
    PairItem,
    SetsItem,
    StateItem,
    StreakItem,
)
from chalicelib.store.table import Busy, Table

# Packs read at once when a window of the log is searched: 50 KB, about 12 read units.
LOG_PAGE = 50
FIGURES: Json[DayFigures] = Json(DayFigures)
# A torn read is one commit old; three in a row are somebody else's trouble.
MAX_TORN_READS = 3
_MODEL_BYTES = 16


def load_players(table: Table, ids: Sequence[str]) -> dict[str, Player]:
    """The players that exist, with all that lies beside their state, each as of one commit."""
    players: dict[str, Player] = {}
    wanted = list(ids)
    for _ in range(MAX_TORN_READS):
        found = table.get_many([keys.player(player_id, part) for player_id in wanted for part in keys.CORE])
        torn = []
        for player_id in wanted:
            core = {part: found.get(keys.player(player_id, part)) for part in keys.CORE}
            state = core[keys.STATE]
            if state is None:
                continue
            if not _whole(state, core):
                torn.append(player_id)
                continue
            players[player_id] = _player(player_id, core)
        if not torn:
            return players
        wanted = torn
    raise Busy("a player kept changing while it was read")


def all_players(table: Table) -> Iterator[list[str]]:
    """The ids of all players, page by page, in no order."""
    start: Item | None = None
    while True:
        page = table.scan_keys(keys.STATE, start)
        yield [item["pk"]["S"].removeprefix("PLAYER#") for item in page.items]
        start = page.next
        if start is None:
            return


def load_player(table: Table, player_id: str) -> Player | None:
    return load_players(table, [player_id]).get(player_id)


def _whole(state: Item, core: dict[str, Item | None]) -> bool:
    """Whether each item beside the state is the one that the state's commit saw: a batch read is no snapshot."""
    sides: dict[str, int] = StateItem.sides.deserialize(state["sv"]["B"])
    for part, letter in keys.SIDES.items():
        item = core[part]
        if sides.get(letter, 0) != (int(item["v"]["N"]) if item else 0):
            return False
    return True


def _player(player_id: str, core: dict[str, Item | None]) -> Player:
    state = StateItem.from_raw_data(core[keys.STATE] or {})
    row = IdentityItem.from_raw_data(core[keys.IDENTITY] or {})
    identity = Identity(
        row.account, row.public, int(row.created_at), row.display_name, bool(row.private), bool(row.hidden)
    )
    player = Player(player_id, identity, version=int(state.version))
    player.xp, player.xp_at, player.award_xp = int(state.xp), int(state.xp_at), int(state.award_xp or 0)
    player.rewarded_level = int(state.rewarded_level)
    player.counters, player.stats = state.counters, state.stats
    player.last_provider = state.last_provider or ""
    player.last_provider_at = int(state.last_provider_at) if state.last_provider else -1
    player.models = unpack_models(state.models or b"")
    player.models_forgotten_at = int(state.models_forgotten_at) if state.models_forgotten_at is not None else -1
    player.day, player.figures = int(state.day), state.figures
    player.week_xp, player.week_at = state.week
    player.month_xp, player.month_at = state.month
    player.sums_at = state.sums_at or {}
    player.sides = state.sides
    streak, badges, sets = core[keys.STREAK], core[keys.BADGES], core[keys.SETS]
    if streak:
        player.streak = read_streak(streak)
    if badges:
        player.badges = BadgesItem.from_raw_data(badges).badges
    if sets:
        player.sets = SetsItem.from_raw_data(sets).sets
    return player


def read_streak(item: Item) -> Streak:
    row = StreakItem.from_raw_data(item)
    years = {year: int(bitmap, 16) for year, bitmap in row.years.items()}
    return Streak(years, row.marks, int(row.last), int(row.longest))


def pack_models(models: dict[str, ModelUse]) -> bytes:
    """Digest (5 bytes), last use (6), how long before it the first was and whether nothing was before that (5)."""
    return b"".join(
        bytes.fromhex(name)
        + use.last.to_bytes(6, "big")
        + ((use.last - use.first) << 1 | use.nothing_before).to_bytes(5, "big")
        for name, use in models.items()
    )


def unpack_models(packed: bytes) -> dict[str, ModelUse]:
    models = {}
    for start in range(0, len(packed), _MODEL_BYTES):
        last = int.from_bytes(packed[start + 5 : start + 11], "big")
        span = int.from_bytes(packed[start + 11 : start + _MODEL_BYTES], "big")
        models[packed[start : start + 5].hex()] = ModelUse(last - (span >> 1), last, bool(span & 1))
    return models


# Records ---------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Wanted:
    """What the rules of one player's events need read, beside the player."""

    minutes: set[int] = field(default_factory=set)
    days: set[int] = field(default_factory=set)
    keyed: set[str] = field(default_factory=set)
    once: set[str] = field(default_factory=set)
    pairs: set[str] = field(default_factory=set)
    granters: set[tuple[str, int]] = field(default_factory=set)
    firsts: set[str] = field(default_factory=set)

    def past_months(self, player: Player) -> list[int]:
        """One day of each month to read: of late days, and of the open day if these events end its week or month,
        whose boards then are the sums of all their days."""
        latest = max(self.days, default=player.day)
        ending = player.day >= 0 and not (latest in week_days(player.day) and latest in month_days(player.day))
        return months_to_load(day for day in self.days if day < player.day or (ending and day < latest))

    def keys(self, player: Player) -> list[keys.Key]:
        """Sorted where the order of a set of texts would differ from process to process."""
        found = [keys.log(player.id, minute, 0) for minute in self.minutes]
        found += [keys.days(player.id, month_name(day)) for day in self.past_months(player)]
        found += [keys.keyed(player.id, identity) for identity in sorted(self.keyed)]
        found += [keys.once(player.id, what) for what in sorted(self.once)]
        found += [keys.pair(player.id, other) for other in sorted(self.pairs)]
        found += [keys.granter(name, str(day)) for name, day in sorted(self.granters)]
        found += [keys.first(badge) for badge in sorted(self.firsts) if badge not in player.badges]
        return found


def load_records(
    table: Table, wanted: dict[str, Wanted], players: dict[str, Player], now_ms: int
) -> dict[str, Records]:
    """The wanted records of each player; reads past days into the player.

    Must be called after the players were read: a record written in between then fails the version's condition.
    """
    wishes = {player_id: want.keys(players[player_id]) for player_id, want in wanted.items()}
    items = table.get_many([key for wish in wishes.values() for key in wish])
    return {player_id: _records(table, players[player_id], want, items, now_ms) for player_id, want in wanted.items()}


def _records(table: Table, player: Player, want: Wanted, items: dict[keys.Key, Item], now_ms: int) -> Records:
    records = Records()
    for minute in want.minutes:
        first = items.get(keys.log(player.id, minute, 0))
        records.minutes[minute] = read_minute(table, player.id, minute, first) if first else Minute()
    _read_months(player, want.past_months(player), items)
    for identity in want.keyed:
        item = items.get(keys.keyed(player.id, identity))
        if item:
            row = KeyedItem.from_raw_data(item)
            if is_live(int(row.expires), now_ms):
                records.keyed[identity] = Keyed(int(row.time_ms), row.entry)
    _read_days_of_repeats(table, player, want, records)
    records.once = {what for what in want.once if keys.once(player.id, what) in items}
    for other in want.pairs:
        item = items.get(keys.pair(player.id, other))
        if item:
            row_ = PairItem.from_raw_data(item)
            records.pairs[other] = Pair(int(row_.sent), int(row_.received))
    for granter in want.granters:
        item = items.get(keys.granter(granter[0], str(granter[1])))
        records.granted[granter] = int(item["points"]["N"]) if item else 0
    for badge in want.firsts:
        item = items.get(keys.first(badge))
        if item:
            records.firsts[badge] = item["player"]["S"]
    return records


def _read_months(player: Player, months: list[int], items: dict[keys.Key, Item]) -> None:
    for day in months:
        item = items.get(keys.days(player.id, month_name(day)))
        if item:
            read_days(player, day, item)


def _read_days_of_repeats(table: Table, player: Player, want: Wanted, records: Records) -> None:
    """An identity without time comes again at another one: the boards told again are those of the first."""
    elsewhere = {day_of(keyed.time_ms) for keyed in records.keyed.values()} - want.days
    months = Wanted(days=elsewhere | want.days).past_months(player) if elsewhere else []
    wanted = [keys.days(player.id, month_name(day)) for day in months]
    if wanted:
        _read_months(player, months, table.get_many(wanted))


def is_live(expires: int, now_ms: int) -> bool:
    """Whether an item still counts: the clock decides, not whether the table has collected it yet."""
    return expires * 1000 > now_ms


def read_minute(table: Table, player_id: str, minute: int, first: Item) -> Minute:
    """All chunks of a minute, given its first: later ones follow it in the partition."""
    pk, _ = keys.log(player_id, minute, 0)
    chunks = [
        first,
        *table.query_all(pk, between=(keys.log(player_id, minute, 1)[1], keys.log_prefix(minute) + "~")),
    ]
    minute_ = Minute()
    for chunk in chunks:
        minute_.last = LogItem.from_raw_data(chunk).entries
        minute_.stored += minute_.last
    minute_.chunk = len(chunks) - 1
    return minute_


def model_in_log(table: Table, player_id: str, model: str, since_ms: int, until_ms: int) -> bool:
    """Whether the log holds a paid use of the model in the closed interval; reads back from its end until it does."""
    pk, low = keys.log(player_id, minute_of(since_ms), 0)
    between = (low, keys.log_prefix(minute_of(until_ms)) + "~")
    for item in table.query_all(pk, between=between, newest_first=True, limit=LOG_PAGE):
        minute = Minute(LogItem.from_raw_data(item).entries)
        if minute.has_use(model, minute_from(item["sk"]["S"]), since_ms, until_ms):
            return True
    return False


def minute_from(sk: str) -> int:
    """The minute in a log item's sort key, `LOG#2026-05-19T12:34#0000`."""
    return int(datetime.fromisoformat(sk.split("#")[1]).replace(tzinfo=UTC).timestamp()) // 60


def read_days(player: Player, any_day: int, item: Item) -> None:
    """Past days of the month that holds `any_day`, into the player; the open day is the state's."""
    first = number_of(date_of(any_day).replace(day=1))
    for day, figures in day_figures(item, first).items():
        if day != player.day:
            player.past.setdefault(day, figures)


def day_figures(item: Item, first_day: int) -> dict[int, DayFigures]:
    """Day -> figures of a DAYS item whose month begins at `first_day`."""
    return {
        first_day + int(name[1:]) - 1: FIGURES.deserialize(value["S"])
        for name, value in item.items()
        if name[0] == "d" and name[1:].isdigit()
    }


def day_attribute(day: int) -> str:
    return f"d{date_of(day).day:02d}"
