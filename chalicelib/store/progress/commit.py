"""One atomic write of a player: state, what lies beside it, log, dedupe records, what the ledger owes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chalicelib.domain.core.periods import month_name
from chalicelib.domain.ledger.transfer import Transfer
from chalicelib.domain.progress.log import Records
from chalicelib.domain.progress.player import Player
from chalicelib.store.core.table import Table, number, put_of
from chalicelib.store.events.awards import granted_write
from chalicelib.store.ledger.double_entry import transfer_writes
from chalicelib.store.progress import keys
from chalicelib.store.progress.log_chunks import expiry, pack_writes, packs_in
from chalicelib.store.progress.models import FirstItem, KeyedItem, OnceItem, PairItem
from chalicelib.store.progress.player_writes import player_writes

# Two below DynamoDB's 100, so that a later rule can add a row to every commit.
MAX_ITEMS = 98
_NEW = "attribute_not_exists(pk)"


@dataclass(frozen=True, slots=True)
class Write:
    """What one commit holds. `known`: the player's own state changed, not just its log."""

    player: Player
    records: Records
    transfers: Sequence[Transfer]
    known: bool
    now_ms: int
    max_points_per_granter_and_day: int
    ruleset: str


def items_in(write: Write) -> int:
    """How many items the commit will hold, at most."""
    player, records = write.player, write.records
    packs = sum(packs_in(minute) for minute in records.minutes.values() if minute.appended)
    months = len({month_name(day) for day in player.changed_days})
    rows = len(records.new_keyed) + len(records.new_once) + len(records.new_firsts)
    rows += len(records.new_granted) + len(records.changed_pairs)
    own = (2 if player.version == 0 else 0) + 1 + len(player.changed)
    return own + packs + months + rows + 3 * len(write.transfers)


def commit(table: Table, write: Write) -> None:
    """Write it all, or nothing. Raises LostRace if anybody wrote the player, or a shared record, since it was read.

    On success the player and its records stand for what the table now holds.
    """
    writes = _log_writes(table.name, write)
    writes += _keyed_writes(table.name, write)
    if write.known:
        writes += player_writes(table.name, write.player, write.ruleset)
        writes += _record_writes(table.name, write)
        writes += [
            each for transfer in write.transfers for each in transfer_writes(table.name, transfer, write.ruleset)
        ]
        writes = merge_balances(writes)
    table.transact(writes)
    _written(write)


def _log_writes(table: str, write: Write) -> list[dict[str, Any]]:
    return [
        put
        for place, minute in write.records.minutes.items()
        if minute.appended
        for put in pack_writes(table, write.player.id, place, minute, write.now_ms)
    ]


def _keyed_writes(table: str, write: Write) -> list[dict[str, Any]]:
    writes = []
    for identity in sorted(write.records.new_keyed):
        keyed = write.records.keyed[identity]
        pk, sk = keys.keyed(write.player.id, identity)
        row = KeyedItem(pk, sk, time_ms=keyed.time_ms, entry=keyed.entry, expires=expiry(write.now_ms, keyed.time_ms))
        # An expired record, collected or not, is as good as none.
        free = f"{_NEW} OR expires <= :now"
        writes.append(put_of(table, row.item(), free, None, {":now": number(write.now_ms // 1000)}))
    return writes


def _record_writes(table: str, write: Write) -> list[dict[str, Any]]:
    player, records, now_ms = write.player, write.records, write.now_ms
    writes = []
    for what in sorted(records.new_once):
        pk, sk = keys.once(player.id, what)
        writes.append(put_of(table, OnceItem(pk, sk, at=now_ms, ruleset=write.ruleset).item(), _NEW))
    for badge in sorted(records.new_firsts):
        pk, sk = keys.first(badge)
        writes.append(put_of(table, FirstItem(pk, sk, player=player.id, at=now_ms).item(), _NEW))
    for other in sorted(records.changed_pairs):
        pk, sk = keys.pair(player.id, other)
        pair = records.pairs[other]
        writes.append(put_of(table, PairItem(pk, sk, sent=pair.sent, received=pair.received).item()))
    most = write.max_points_per_granter_and_day
    writes += [granted_write(table, *granter, points, most) for granter, points in records.new_granted.items()]
    return writes


def merge_balances(writes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Several credits to one account in one commit are one change of its balance: an item may appear only once."""
    merged: list[dict[str, Any]] = []
    balances: dict[str, dict[str, Any]] = {}
    for write in writes:
        update = write.get("Update")
        if update is None or update["Key"]["sk"]["S"] != "BALANCE":
            merged.append(write)
            continue
        before = balances.setdefault(update["Key"]["pk"]["S"], write)
        if before is write:
            merged.append(write)
            continue
        values = before["Update"]["ExpressionAttributeValues"]
        for name in (":a", ":b"):
            values[name] = number(int(values[name]["N"]) + int(update["ExpressionAttributeValues"][name]["N"]))
    return merged


def _written(write: Write) -> None:
    player, records = write.player, write.records
    if write.known:
        player.version += 1
        player.changed.clear()
        player.changed_days.clear()
        for pending in (records.new_once, records.new_firsts, records.changed_pairs, records.new_granted):
            pending.clear()
    for minute in records.minutes.values():
        if minute.appended:
            minute.stored += minute.appended
            minute.appended, minute.sized = [], (0, 0)
            minute.chunk, minute.last = minute.next_chunk, minute.next_last
    records.new_keyed.clear()
