"""Item kinds of the single table as PynamoDB models: how each is spelled in the table, and read back.

They are codecs: Laurel reads and writes through `table.Table`, whose one connection serves every kind.
Short attribute names belong to the item that every event rewrites, which must stay within 1,024 bytes.
"""

from __future__ import annotations

from typing import Any, TypeVar

from pynamodb.attributes import (
    BinaryAttribute,
    BooleanAttribute,
    NumberAttribute,
    UnicodeAttribute,
)
from pynamodb.models import Model

from chalicelib.domain.figures import DayFigures
from chalicelib.domain.log import Entry
from chalicelib.domain.player import EarnedBadge
from chalicelib.domain.rejections import Rejections
from chalicelib.domain.standings import Place
from chalicelib.domain.transfers import Sent
from chalicelib.store.codecs import Counters, Json, Packed, Stats

T = TypeVar("T")
Item = dict[str, dict[str, Any]]


class Kind(Model):
    """What every item has. `ruleset`: the version of the ruleset it was written under."""

    class Meta:
        table_name = "laurel"
        region = "us-east-1"

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)

    def item(self) -> Item:
        return self.serialize()


class StateItem(Kind):
    """The player's totals. Rewritten by every event, at most 1,024 bytes."""

    version = NumberAttribute(attr_name="v")
    sides: Packed[dict[str, int]] = Packed(dict[str, int], attr_name="sv")
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
    figures: Packed[DayFigures] = Packed(DayFigures, attr_name="df")
    week: Packed[tuple[int, int]] = Packed(tuple[int, int], attr_name="wk")
    month: Packed[tuple[int, int]] = Packed(tuple[int, int], attr_name="mo")
    sums_at: Packed[dict[str, int]] = Packed(dict[str, int], attr_name="sa", null=True)


class IdentityItem(Kind):
    """The one row that maps a player to the random ids on ledger rows and boards; erasure deletes it.

    `key_changes` counts keys made and revoked: the condition under which the next one is.
    """

    version = NumberAttribute(attr_name="v")
    account = UnicodeAttribute()
    public = UnicodeAttribute()
    created_at = NumberAttribute()
    display_name = UnicodeAttribute(null=True)
    private = BooleanAttribute(null=True)
    hidden = BooleanAttribute(null=True)
    asked_at: Json[dict[str, int]] = Json(dict[str, int], null=True)
    key_changes = NumberAttribute(null=True)


class PublicItem(Kind):
    """Public id -> player."""

    player = UnicodeAttribute()


class StreakItem(Kind):
    """Active days (bitmap a year, in hex), milestone marks."""

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
    """Distinct names, at most 64 a set."""

    version = NumberAttribute(attr_name="v")
    sets: Json[dict[str, list[str]]] = Json(dict[str, list[str]])


class DaysItem(Kind):
    """Past days of one month: attribute `d01`..`d31`, each one DayFigures as JSON. Read and written raw."""


class LogItem(Kind):
    """A pack of log entries of one minute of event time: at most 1 KB, then the next chunk."""

    length = NumberAttribute(attr_name="n")
    entries: Json[list[Entry]] = Json(list[Entry], attr_name="e")
    expires = NumberAttribute()


class KeyedItem(Kind):
    """Dedupe record of an event whose identity is without time, or of a key."""

    time_ms = NumberAttribute(attr_name="t")
    entry: Json[Entry] = Json(Entry, attr_name="e")
    expires = NumberAttribute()


class OnceItem(Kind):
    """What paid only the first time."""

    ruleset = UnicodeAttribute(attr_name="rv")
    at = NumberAttribute()


class PairItem(Kind):
    """Tokens moved between two players, as one of them sees it."""

    sent = NumberAttribute()
    received = NumberAttribute()


class FirstItem(Kind):
    """Who was the first player ever."""

    player = UnicodeAttribute()
    at = NumberAttribute()


class PostingItem(Kind):
    """One side of a transfer. Immutable. Its key tells account, asset, transfer and time, which its longest note needs.

    `with`: the public id of the player on the other side.
    """

    amount = NumberAttribute()
    other = UnicodeAttribute()
    kind = UnicodeAttribute()
    public = UnicodeAttribute(attr_name="with", null=True)
    note = UnicodeAttribute(null=True)
    details: Json[dict[str, Any]] = Json(dict[str, Any], null=True)
    ruleset = UnicodeAttribute(attr_name="rv")


class BalanceItem(Kind):
    """A player's account of one asset. Held = balance - available.

    `sent`: what bounds transfers. `expiring`: no open hold expires before (ms). `placed`: how many holds that
    expire were ever placed. `closed`: it takes nothing any more.
    """

    balance = NumberAttribute()
    available = NumberAttribute()
    sent: Json[Sent] = Json(Sent, null=True)
    expiring = NumberAttribute(null=True)
    placed = NumberAttribute(null=True)
    closed = NumberAttribute(null=True)


class RequestItem(Kind):
    """What became of an idempotency key: a digest of what was asked, and the outcome.

    `free_from` (epoch seconds): the key is free again from then on, before the row expires.
    """

    asked = UnicodeAttribute()
    status = NumberAttribute()
    outcome: Json[dict[str, Any]] = Json(dict[str, Any])
    at = NumberAttribute()
    expires = NumberAttribute()
    free_from = NumberAttribute(null=True)


class OwedItem(Kind):
    """What a commit owes the world until it is sent: facts, from which messages are made under stable ids."""

    kind = UnicodeAttribute()
    facts: Json[dict[str, Any]] = Json(dict[str, Any])


class EntryItem(Kind):
    """A player's score on a board. Without `board` and `order` it is not on the index: it left the board.

    The index has what is not null here, and neither version nor score: the order tells the score.
    """

    version = NumberAttribute(attr_name="v", null=True)
    seq = NumberAttribute(attr_name="q", null=True)
    score = NumberAttribute(null=True)
    reached_at = NumberAttribute(attr_name="reachedAt", null=True)
    public = UnicodeAttribute()
    name = UnicodeAttribute(null=True)
    private = BooleanAttribute(null=True)
    hidden = BooleanAttribute(null=True)
    level = NumberAttribute()
    title = UnicodeAttribute()
    board = UnicodeAttribute(null=True)
    order = UnicodeAttribute(null=True)
    expires = NumberAttribute(null=True)


class BoardLogItem(Kind):
    """How far the writer of a board shard has come: `seq` done, `pending` begun. `repair`: one that is under way."""

    seq = NumberAttribute(null=True)
    pending = NumberAttribute(null=True)
    intent = BinaryAttribute(legacy_encoding=False, null=True)
    frozen = NumberAttribute(null=True)
    latest = NumberAttribute(null=True)
    repair = BinaryAttribute(legacy_encoding=False, null=True)
    expires = NumberAttribute(null=True)


class ArchiveItem(Kind):
    """What a board was when its period was closed, and how far its ranks have been told.

    `waiting`: players who are to be told their ranks, while there are any; `told` of them have been. `tie`: the
    score and rank of a group that goes on beyond them; `told_until`: the last of it, by id, who has been told.
    """

    total = NumberAttribute()
    top: Json[list[Place]] = Json(list[Place])
    frozen_at = NumberAttribute(attr_name="frozenAt")
    waiting = BinaryAttribute(legacy_encoding=False, null=True)
    told = NumberAttribute(null=True)
    tie: Json[tuple[int, int]] = Json(tuple[int, int], null=True)
    told_until = UnicodeAttribute(attr_name="toldUntil", null=True)
    done = NumberAttribute(null=True)
    expires = NumberAttribute(null=True)


class KeyItem(Kind):
    """An API key, found by its SHA-256. `revoked_at`: for good. It tells the account too, so that a transfer need not
    read who sends it before it reads what they have."""

    player = UnicodeAttribute()
    prefix = UnicodeAttribute()
    permissions: Json[list[str]] = Json(list[str])
    created_at = NumberAttribute()
    account = UnicodeAttribute(null=True)
    public = UnicodeAttribute(null=True)
    used_on = UnicodeAttribute(null=True)
    revoked_at = NumberAttribute(null=True)


class PlayerKeyItem(Kind):
    """A player's own list of keys: prefix -> digest."""

    digest = UnicodeAttribute()
    created_at = NumberAttribute()
    revoked_at = NumberAttribute(null=True)


class NoteItem(Kind):
    """Why a message failed the last time it was delivered."""

    queue = UnicodeAttribute()
    reason = UnicodeAttribute()
    sentence = UnicodeAttribute()
    attempts = NumberAttribute()
    body_hash = UnicodeAttribute()
    first_at = NumberAttribute()
    last_at = NumberAttribute()
    origin = UnicodeAttribute()
    expires = NumberAttribute()


class FailureItem(NoteItem):
    """A message that was set aside: `body` (compressed), or the number of `parts` that hold it."""

    received_at = NumberAttribute()
    body = BinaryAttribute(legacy_encoding=False, null=True)
    parts = NumberAttribute(null=True)
    rejections: Json[Rejections] = Json(Rejections, null=True)
    message_group = UnicodeAttribute(null=True)
