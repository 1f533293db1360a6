"""What was set aside: rejected messages, and dead letters once they have left their queue; and why messages failed.

A row holds why, and the body or where its parts are. Parts are written before their row and deleted after it, so a row
that is there is whole; parts without a row are collected by TTL.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from chalicelib.domain.core.errors import InvalidRequest
from chalicelib.domain.core.periods import DAY_MS
from chalicelib.domain.events.rejections import Rejections, printable
from chalicelib.store.core.table import Table, number, text
from chalicelib.store.events import keys
from chalicelib.store.events.failed_bodies import INLINE_BYTES, delete_parts, pack, put_parts
from chalicelib.store.events.models import FailureItem, NoteItem

# As long as an event may be redriven (60 days from receipt), and some.
KEEP_DAYS = 75
# The cursor behind the last row.
END = f"{keys.FAILURE_SHARDS}."


@dataclass(frozen=True, slots=True)
class Note:
    """Why a message failed the last time it was delivered. `queue`: where it ends if it keeps failing; `origin`: the
    queue it came from."""

    id: str
    queue: str
    reason: str
    sentence: str
    attempts: int
    body_hash: str
    origin: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Failure(Note):
    """A message to set aside whole. `received_ms`: when its first queue had it. `rejections`: which of its events can
    never be valid, None if it is not a message of events that was rejected. `group`: its message group, if it had one.
    """

    body: str
    received_ms: int
    rejections: Rejections | None = None
    group: str = ""


def note_failure(table: Table, note: Note) -> None:
    """Keep the latest reason of a message's failing."""
    expression, names, values = _why(note)
    table.update(keys.note(note.queue, note.id), f"SET {expression}", "", names, values)


def get_notes(table: Table, queue: str, ids: Sequence[str], now_ms: int) -> dict[str, NoteItem]:
    """Why these messages failed, by id, of those that have a note."""
    found = table.get_many([keys.note(queue, name) for name in ids])
    notes = {str(row.pk).rpartition("#")[2]: row for row in map(NoteItem.from_raw_data, found.values())}
    return {name: row for name, row in notes.items() if _kept(row, now_ms)}


def set_aside(table: Table, failure: Failure) -> None:
    """Record a message with its body. Setting it aside again replaces the record; when it first was is kept."""
    packed = pack(failure.body)
    expression, names, values = _why(failure)
    values[":m"] = number(failure.received_ms)
    expression += ", received_at = :m"
    optional: dict[str, Any] = {
        "rejections": failure.rejections and text(msgspec.json.encode(failure.rejections).decode()),
        "message_group": text(failure.group) if failure.group else None,
    }
    if len(packed) <= INLINE_BYTES:
        optional["body"] = {"B": packed}
    else:
        optional["parts"] = number(put_parts(table, failure.queue, failure.id, packed, int(values[":e"]["N"])))
    for place, (name, value) in enumerate(optional.items()):
        if value is not None:
            names[f"#o{place}"], values[f":o{place}"] = name, value
            expression += f", #o{place} = :o{place}"
    key = keys.failure(failure.queue, failure.id)
    table.update(key, f"SET {expression}", "", names, values)


def get_failures(table: Table, queue: str, ids: Sequence[str], now_ms: int) -> dict[str, FailureItem]:
    """Rows of set-aside messages, by id, of those that are there."""
    found = table.get_many([keys.failure(queue, name) for name in ids])
    rows = [FailureItem.from_raw_data(item) for item in found.values()]
    return {str(row.sk): row for row in rows if _kept(row, now_ms)}


def failures_page(
    table: Table, queue: str, after: str, limit: int, now_ms: int
) -> tuple[list[FailureItem], str | None]:
    """Up to `limit` rows of set-aside messages of a queue, and a cursor to go on from, None at the end.

    A FIFO queue's messages come in order within each group; others in no order that means anything. A page may be
    short, also empty, before the end. Raises InvalidRequest for a cursor that no page gave.
    """
    shard, start = _place_of(after)
    if shard == keys.FAILURE_SHARDS:
        return [], None
    partition = keys.failure_partition(queue, shard)
    from_key = {"pk": text(partition), "sk": text(start)} if start else None
    page = table.query(partition, limit=limit, start=from_key)
    rows = [row for row in map(FailureItem.from_raw_data, page.items) if _kept(row, now_ms)]
    if page.next:
        return rows, f"{shard}.{page.next['sk']['S']}"
    return rows, f"{shard + 1}." if shard + 1 < keys.FAILURE_SHARDS else None


def forget_failure(table: Table, row: FailureItem) -> None:
    """Delete a set-aside message with its body."""
    table.delete((str(row.pk), str(row.sk)))
    delete_parts(table, row)


def _why(note: Note) -> tuple[str, dict[str, str], dict[str, Any]]:
    """The assignments that every record has in common, with their names and values."""
    values = {
        ":q": text(note.queue),
        ":r": text(note.reason),
        ":s": text(printable(note.sentence)),
        ":a": number(note.attempts),
        ":h": text(note.body_hash),
        ":o": text(note.origin),
        ":t": number(note.at_ms),
        ":e": number((note.at_ms + KEEP_DAYS * DAY_MS) // 1000),
    }
    expression = (
        "queue = :q, #r = :r, sentence = :s, attempts = :a, body_hash = :h, origin = :o, "
        "first_at = if_not_exists(first_at, :t), last_at = :t, expires = :e"
    )
    return expression, {"#r": "reason"}, values


def _kept(row: FailureItem | NoteItem, now_ms: int) -> bool:
    return int(row.expires) * 1000 > now_ms


def _place_of(cursor: str) -> tuple[int, str]:
    if not cursor:
        return 0, ""
    shard, dot, start = cursor.partition(".")
    if not dot or shard not in map(str, range(keys.FAILURE_SHARDS + 1)):
        raise InvalidRequest(f"'{cursor}' is no cursor of a list of messages that were set aside.")
    return int(shard), start
