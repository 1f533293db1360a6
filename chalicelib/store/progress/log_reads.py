"""Reads of a player's log: newest event first, page by page."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.domain.progress.log import Entry
from chalicelib.store.core.models import Item
from chalicelib.store.core.table import Table, key_of
from chalicelib.store.identity import keys as identity_keys
from chalicelib.store.progress import keys as progress_keys
from chalicelib.store.progress.models import LogItem
from chalicelib.store.progress.records import minute_from

# A full pack of the log holds at least four entries.
ENTRIES_IN_PACK = 4
# Packs of a minute are in the order of their commits. A page reads all packs of a minute and sorts them, up to 500:
# 3,000 entries (50 per second for a minute) in 64 read units. A minute of more packs is sorted in parts.
SORTED_PACKS = 500


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A place of an entry in the log. A later place is a newer one.

    `part`: of the minute, by packs that are sorted together. `offset`: ms within the minute. `chunk` and `position`,
    its pack and the place there, are in the order of commits and never change.
    """

    minute: int
    part: int
    offset: int
    chunk: int
    position: int

    @classmethod
    def of(cls, minute: int, offset: int, chunk: int, position: int) -> Place:
        return cls(minute, chunk // SORTED_PACKS, offset, chunk, position)

    @property
    def start(self) -> Place:
        """Return the least place of the part. No entry of the part is before it."""
        return Place(self.minute, self.part, 0, self.part * SORTED_PACKS, 0)


@dataclass(frozen=True, slots=True)
class LogPage:
    """Entries of the log with their places, and the place before which to continue, or None at the end."""

    entries: list[tuple[Place, Entry]]
    next: Place | None


def log_page(table: Table, player: str, now_ms: int, at_least: int, before: Place | None = None) -> LogPage:
    """Read entries before a place (or from the end), newest first; more than `at_least` if that costs no further read.

    Expired entries are left out, so a page may be empty without being the last. It takes one eventually consistent
    query, and another one if the first ends among packs that are sorted together and found too little beyond them.
    """
    pk, top = identity_keys.player(player, progress_keys.LOG + "~")
    start = None
    if before:
        # A part without further entries is not read again.
        used_up = before == before.start
        top = progress_keys.log(player, before.minute, before.start.chunk + (0 if used_up else SORTED_PACKS - 1))[1]
        start = key_of((pk, top)) if used_up else None
    packs = at_least // ENTRIES_IN_PACK + 1
    page = table.query(pk, between=(progress_keys.LOG, top), newest_first=True, limit=packs, start=start, strong=False)
    if not page.items:
        return LogPage([], None)
    found = _entries(page.items, now_ms, before)
    if page.next is None:
        return LogPage(found, None)
    last = _place_of(page.items[-1])
    if last.chunk > last.start.chunk:
        whole = [(place, entry) for place, entry in found if place.start > last]
        if len(whole) > at_least:
            return LogPage(whole, whole[-1][0].start)
        rest = (
            progress_keys.log(player, last.minute, last.start.chunk)[1],
            progress_keys.log(player, last.minute, last.chunk - 1)[1],
        )
        found = _entries([*page.items, *table.query_all(pk, between=rest, strong=False)], now_ms, before)
    return LogPage(found, last.start)


def _entries(items: list[Item], now_ms: int, before: Place | None) -> list[tuple[Place, Entry]]:
    found = []
    for item in items:
        if int(item["expires"]["N"]) * 1000 > now_ms:
            pack = _place_of(item)
            for position, entry in enumerate(LogItem.from_raw_data(item).entries):
                place = Place.of(pack.minute, entry.offset, pack.chunk, position)
                if before is None or place < before:
                    found.append((place, entry))
    return sorted(found, key=lambda each: each[0], reverse=True)


def _place_of(pack: Item) -> Place:
    sk = pack["sk"]["S"]
    return Place.of(minute_from(sk), 0, int(sk.rpartition("#")[2]), 0)
