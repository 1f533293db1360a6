"""Failed messages: rejected messages, dead letters that have left their queue, and the reasons of failures.

A row holds the reason, and the body or the number of its parts. Parts are written before their row and deleted after
it, so an existing row is complete. TTL deletes parts without a row.
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

# Longer than an event may be redriven (60 days from receipt).
KEEP_DAYS = 75
# The cursor after the last row.
END = f"{keys.FAILURE_SHARDS}."


@dataclass(frozen=True, slots=True)
class Note:
    """The reason for which a message failed at its latest delivery.

    `queue`: the queue that takes the message if it keeps failing. `origin`: the queue that it came from.
    """

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
    """A failed message to keep with its body.

    `received_ms`: when its first queue received it. `rejections`: the events of it that can never be valid; None if it
    is not a rejected message of events. `group`: its message group, if it had one.
    """

    body: str
    received_ms: int
    rejections: Rejections | None = None
    group: str = ""


def note_failure(table: Table, note: Note) -> None:
    """Record the latest reason for which a message failed."""
    expression, names, values = _common_assignments(note)
    table.update(keys.note(note.queue, note.id), f"SET {expression}", "", names, values)


def get_notes(table: Table, queue: str, ids: Sequence[str], now_ms: int) -> dict[str, NoteItem]:
    """Return the notes of these messages, by id, of those that have one."""
    found = table.get_many([keys.note(queue, name) for name in ids])
    notes = {str(row.pk).rpartition("#")[2]: row for row in map(NoteItem.from_raw_data, found.values())}
    return {name: row for name, row in notes.items() if _is_live(row, now_ms)}


def set_aside(table: Table, failure: Failure) -> None:
    """Record a failed message with its body.

    Recording it again replaces the record, but keeps the time of the first one.
    """
    packed = pack(failure.body)
    expression, names, values = _common_assignments(failure)
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
    """Return the rows of these failed messages, by id, of those that exist."""
    found = table.get_many([keys.failure(queue, name) for name in ids])
    rows = [FailureItem.from_raw_data(item) for item in found.values()]
    return {str(row.sk): row for row in rows if _is_live(row, now_ms)}


def failures_page(
    table: Table, queue: str, after: str, limit: int, now_ms: int
) -> tuple[list[FailureItem], str | None]:
    """Return up to `limit` rows of a queue's failed messages, and a cursor to continue from, None at the end.

    The messages of a FIFO queue are ordered within each group. Other messages are in no particular order. A page before
    the end may be short, or empty. Raises InvalidRequest for a cursor that no page returned.
    """
    shard, start = _parse_cursor(after)
    if shard == keys.FAILURE_SHARDS:
        return [], None
    partition = keys.failure_partition(queue, shard)
    from_key = {"pk": text(partition), "sk": text(start)} if start else None
    page = table.query(partition, limit=limit, start=from_key)
    rows = [row for row in map(FailureItem.from_raw_data, page.items) if _is_live(row, now_ms)]
    if page.next:
        return rows, f"{shard}.{page.next['sk']['S']}"
    return rows, f"{shard + 1}." if shard + 1 < keys.FAILURE_SHARDS else None


def forget_failure(table: Table, row: FailureItem) -> None:
    """Delete a failed message with its body."""
    table.delete((str(row.pk), str(row.sk)))
    delete_parts(table, row)


def _common_assignments(note: Note) -> tuple[str, dict[str, str], dict[str, Any]]:
    """Return the assignments that all records share, with their names and values."""
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


def _is_live(row: FailureItem | NoteItem, now_ms: int) -> bool:
    return int(row.expires) * 1000 > now_ms


def _parse_cursor(cursor: str) -> tuple[int, str]:
    if not cursor:
        return 0, ""
    shard, dot, start = cursor.partition(".")
    if not dot or shard not in map(str, range(keys.FAILURE_SHARDS + 1)):
        raise InvalidRequest(f"'{cursor}' is not a cursor of a list of failed messages.")
    return int(shard), start
