"""Item kinds of players and their logs.

Short attribute names belong to the item that every event rewrites. It must stay within 1,024 bytes.
"""

from __future__ import annotations

from pynamodb.attributes import (
    BinaryAttribute,
    NumberAttribute,
    UnicodeAttribute,
)

from chalicelib.domain.progress.daily_stats import DailyStats
from chalicelib.domain.progress.log import Entry
from chalicelib.domain.progress.player import EarnedBadge
from chalicelib.store.core.codecs import Json, Packed
from chalicelib.store.core.models import Kind
from chalicelib.store.progress.codecs import Counters, OpenPeriods, Stats


class StateItem(Kind):
    """The player's totals. Rewritten by every event, at most 1,024 bytes."""

    version = NumberAttribute(attr_name="v")
    companions: Packed[dict[str, int]] = Packed(dict[str, int], attr_name="sv")
    ruleset = UnicodeAttribute(attr_name="rv")
    xp = NumberAttribute(attr_name="x")
    xp_at = NumberAttribute(attr_name="xa")
    award_xp = NumberAttribute(attr_name="aw", null=True)
    rewarded_level = NumberAttribute(attr_name="l")
    counters = Counters(attr_name="c")
    stats = Stats(attr_name="s")
    last_provider = UnicodeAttribute(attr_name="p", null=True)
    last_provider_at = NumberAttribute(attr_name="pa", null=True)
    models = BinaryAttribute(attr_name="m", legacy_encoding=False, null=True)
    models_forgotten_at = NumberAttribute(attr_name="mf", null=True)
    day = NumberAttribute(attr_name="d")
    day_stats: Packed[DailyStats] = Packed(DailyStats, attr_name="df")
    open_periods = OpenPeriods(attr_name="op", null=True)
    sums_at: Packed[dict[str, int]] = Packed(dict[str, int], attr_name="sa", null=True)


class StreakItem(Kind):
    """Active days (one bitmap per year, in hex), milestone marks."""

    version = NumberAttribute(attr_name="v")
    years: Json[dict[int, str]] = Json(dict[int, str])
    marks: Json[dict[int, list[int]]] = Json(dict[int, list[int]])
    last = NumberAttribute()
    longest = NumberAttribute()


class BadgesItem(Kind):
    """Earned and revoked badges; the best judged rank by scope."""

    version = NumberAttribute(attr_name="v")
    badges: Json[dict[str, EarnedBadge]] = Json(dict[str, EarnedBadge])
    ranks: Json[dict[str, int]] = Json(dict[str, int], null=True)


class SetsItem(Kind):
    """Distinct names, at most 64 per set."""

    version = NumberAttribute(attr_name="v")
    sets: Json[dict[str, list[str]]] = Json(dict[str, list[str]])


class DaysItem(Kind):
    """Past days of one month: attribute `d01`..`d31`, each one DailyStats as JSON. Read and written raw."""

    in_parts = True


class LogItem(Kind):
    """A pack of log entries of one minute of event time: at most 1 KB, then the next chunk."""

    length = NumberAttribute(attr_name="n")
    entries: Json[list[Entry]] = Json(list[Entry], attr_name="e")
    expires = NumberAttribute()


class KeyedItem(Kind):
    """A dedupe record of an event whose identity is without time, or of a key."""

    time_ms = NumberAttribute(attr_name="t")
    entry: Json[Entry] = Json(Entry, attr_name="e")
    expires = NumberAttribute()


class ImportedItem(Kind):
    """The record of what an import gave a player, and its entry. Kept as long as the player."""

    time_ms = NumberAttribute(attr_name="t")
    entry: Json[Entry] = Json(Entry, attr_name="e")


class ImportedFileItem(Kind):
    """A file of players that was imported, and the name of the import. The key holds the file's digest."""

    name = UnicodeAttribute()
    at = NumberAttribute()


class OnceItem(Kind):
    """A record of a reward that pays only once."""

    ruleset = UnicodeAttribute(attr_name="rv")
    at = NumberAttribute()


class PairItem(Kind):
    """Tokens moved between two players, from the view of one of them."""

    sent = NumberAttribute()
    received = NumberAttribute()


class FirstItem(Kind):
    """The first player ever who earned a badge."""

    player = UnicodeAttribute()
    at = NumberAttribute()
