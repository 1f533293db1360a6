"""Packs of the log: the entries of one player and minute in chunks of at most 1 KB, so that many cost few units."""

from __future__ import annotations

from chalicelib.domain.core.periods import DAY_MS, MINUTE_MS
from chalicelib.domain.events.event import LOG_DAYS
from chalicelib.domain.progress.log import Entry, Minute
from chalicelib.store.core.item_size import item_size
from chalicelib.store.core.models import Item
from chalicelib.store.core.table import number
from chalicelib.store.core.transaction import Transaction
from chalicelib.store.progress import keys
from chalicelib.store.progress.models import LogItem

# One write unit.
MAX_PACK_BYTES = 1024


def packs_in(minute: Minute) -> int:
    """Return the greatest number of chunks that a write of the minute touches.

    Two neighbouring chunks together exceed the size of one, so each counts for half of it.
    """
    if not minute.appended:
        return 0
    # This runs after each event of a batch: entries that were measured before are not measured again.
    known, size = minute.sized
    size += sum(len(LogItem.entries.serialize([entry])) for entry in minute.appended[known:])
    minute.sized = len(minute.appended), size
    return 1 + size // (MAX_PACK_BYTES // 2)


def add_packs(tx: Transaction, player_id: str, place: int, minute: Minute, now_ms: int) -> None:
    """Add the chunks that take the appended entries: the last chunk while it has room within 1 KB, then new ones.

    Each write is conditional on the number of entries that were read, so that two writers of one minute collide even if
    neither writes the player.
    """
    chunk, entries, stored = minute.chunk, list(minute.last), len(minute.last)
    filled: list[tuple[int, list[Entry], int]] = []
    touched = False
    for entry in minute.appended:
        if chunk < 0 or (entries and not _fits(player_id, place, chunk, [*entries, entry], now_ms)):
            if touched:
                filled.append((chunk, entries, stored))
            chunk, entries, stored = chunk + 1, [], 0
        entries.append(entry)
        touched = True
    filled.append((chunk, entries, stored))
    minute.next_chunk, minute.next_last = chunk, entries
    for chunk_number, held, before in filled:
        item = _pack(player_id, place, chunk_number, held, now_ms)
        if before:
            tx.put(item, "n = :n", None, {":n": number(before)})
        else:
            tx.put(item, "attribute_not_exists(pk)")


def expiry(now_ms: int, time_ms: int) -> int:
    """Return the expiry of log and dedupe records (epoch s): 90 days after the later of commit and event."""
    return (max(now_ms, time_ms) + LOG_DAYS * DAY_MS) // 1000


def _fits(player_id: str, place: int, chunk: int, entries: list[Entry], now_ms: int) -> bool:
    return item_size(_pack(player_id, place, chunk, entries, now_ms)) <= MAX_PACK_BYTES


def _pack(player_id: str, place: int, chunk: int, entries: list[Entry], now_ms: int) -> Item:
    pk, sk = keys.log(player_id, place, chunk)
    expires = expiry(now_ms, place * MINUTE_MS)
    return LogItem(pk, sk, length=len(entries), entries=entries, expires=expires).item()
