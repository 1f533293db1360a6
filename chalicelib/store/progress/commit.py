"""The writes of one commit for a player: state, companion items, log, dedupe records."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.domain.core.periods import month_name
from chalicelib.domain.progress.log import Records
from chalicelib.domain.progress.player import Player
from chalicelib.domain.rules.schema import MAX_FIRST_BADGES
from chalicelib.store.core.table import number
from chalicelib.store.core.transaction import Transaction
from chalicelib.store.events.awards import add_granted
from chalicelib.store.progress import keys
from chalicelib.store.progress.log_chunks import add_packs, expiry, packs_in
from chalicelib.store.progress.models import FirstItem, ImportedItem, KeyedItem, OnceItem, PairItem
from chalicelib.store.progress.player_writes import add_player

# Two below DynamoDB's 100, so that a later rule can add a row to every commit.
MAX_ITEMS = 98
# One event adds at most: log chunks 2, state and identity 3, companions 3, months 2, a dedupe record, a record of
# a reward that pays once, a pair, a granter's day, and a row for each badge of being first.
EVENT_ITEMS = 14 + MAX_FIRST_BADGES
_NEW = "attribute_not_exists(pk)"


@dataclass(frozen=True, slots=True)
class Write:
    """The content of one commit. `known`: the player's own state changed, not just its log."""

    player: Player
    records: Records
    known: bool
    now_ms: int
    max_points_per_granter_and_day: int
    ruleset: str


def most_items(write: Write) -> int:
    """Return the greatest number of items that `add_write` can add.

    It builds no items, because it runs after each event of a batch.
    """
    player, records = write.player, write.records
    packs = sum(packs_in(minute) for minute in records.minutes.values() if minute.appended)
    months = len({month_name(day) for day in player.changed_days})
    rows = len(records.new_keyed) + len(records.new_imports) + len(records.new_once) + len(records.new_firsts)
    rows += len(records.new_granted) + len(records.changed_pairs)
    own = (2 if player.version == 0 else 0) + 1 + len(player.changed)
    return own + packs + months + rows


def add_write(tx: Transaction, write: Write) -> None:
    """Add all writes. The commit fails if another writer changed the player, or a shared record, since it was read."""
    for place, minute in write.records.minutes.items():
        if minute.appended:
            add_packs(tx, write.player.id, place, minute, write.now_ms)
    _add_keyed(tx, write)
    if write.known:
        add_player(tx, write.player, write.ruleset)
        _add_records(tx, write)


def _add_keyed(tx: Transaction, write: Write) -> None:
    for identity in sorted(write.records.new_keyed):
        keyed = write.records.keyed[identity]
        pk, sk = keys.keyed(write.player.id, identity)
        row = KeyedItem(pk, sk, time_ms=keyed.time_ms, entry=keyed.entry, expires=expiry(write.now_ms, keyed.time_ms))
        # An expired record counts as none, deleted or not.
        free = f"{_NEW} OR expires <= :now"
        tx.put(row.item(), free, None, {":now": number(write.now_ms // 1000)})


def _add_records(tx: Transaction, write: Write) -> None:
    player, records, now_ms = write.player, write.records, write.now_ms
    for name in sorted(records.new_imports):
        pk, sk = keys.imported(player.id, name)
        imported = records.imports[name]
        tx.put(ImportedItem(pk, sk, time_ms=imported.time_ms, entry=imported.entry).item(), _NEW)
    for what in sorted(records.new_once):
        pk, sk = keys.once(player.id, what)
        tx.put(OnceItem(pk, sk, at=now_ms, ruleset=write.ruleset).item(), _NEW)
    for badge in sorted(records.new_firsts):
        pk, sk = keys.first(badge)
        tx.put(FirstItem(pk, sk, player=player.id, at=now_ms).item(), _NEW)
    for other in sorted(records.changed_pairs):
        pk, sk = keys.pair(player.id, other)
        pair = records.pairs[other]
        tx.put(PairItem(pk, sk, sent=pair.sent, received=pair.received).item())
    for granter, points in records.new_granted.items():
        add_granted(tx, *granter, points, write.max_points_per_granter_and_day)


def note_written(write: Write) -> None:
    """Update the player and the records to the state of the table after the commit."""
    player, records = write.player, write.records
    if write.known:
        player.version += 1
        player.changed.clear()
        player.changed_days.clear()
        for pending in (records.new_once, records.new_firsts, records.changed_pairs, records.new_granted):
            pending.clear()
    records.new_imports.clear()
    for minute in records.minutes.values():
        if minute.appended:
            minute.stored += minute.appended
            minute.appended, minute.sized = [], (0, 0)
            minute.chunk, minute.last = minute.next_chunk, minute.next_last
    records.new_keyed.clear()
