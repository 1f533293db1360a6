"""Why messages were rejected or failed: SQS keeps no reason. Later, the messages themselves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from chalicelib.domain.periods import DAY_MS
from chalicelib.store import keys
from chalicelib.store.models import FailureItem
from chalicelib.store.table import Table, number, text, update_of

# As long as an event may be redriven (60 days from receipt), and some.
KEEP_DAYS = 75


@dataclass(frozen=True, slots=True)
class Failure:
    """`queue`: where it went or will go (`rejected`, `dead_letter`); `origin`: the queue it came from."""

    id: str
    queue: str
    reason: str
    sentence: str
    attempts: int
    body_hash: str
    origin: str
    at_ms: int


def note_failure(table: Table, failure: Failure) -> None:
    """Keep the latest reason of a message's failing."""
    values = {
        ":q": text(failure.queue),
        ":r": text(failure.reason),
        ":s": text(failure.sentence[:1000]),
        ":a": number(failure.attempts),
        ":h": text(failure.body_hash),
        ":o": text(failure.origin),
        ":t": number(failure.at_ms),
        ":e": number((failure.at_ms + KEEP_DAYS * DAY_MS) // 1000),
    }
    expression = (
        "SET queue = :q, #r = :r, sentence = :s, attempts = :a, body_hash = :h, origin = :o, "
        "first_at = if_not_exists(first_at, :t), last_at = :t, expires = :e"
    )
    table.update(
        update_of(table.name, keys.failure(failure.queue, failure.id), expression, "", {"#r": "reason"}, values)
    )


def archive_body(
    table: Table, queue: str, failure_id: str, body: str, received_ms: int, origin: str, at_ms: int
) -> None:
    """Move a message's body beside its reason, before its queue forgets it."""
    values = {
        ":b": text(body),
        ":m": number(received_ms),
        ":q": text(queue),
        ":o": text(origin),
        ":u": text("unknown"),
        ":z": number(0),
        ":t": number(at_ms),
        ":e": number((received_ms + KEEP_DAYS * DAY_MS) // 1000),
    }
    expression = (
        "SET #b = :b, received_at = :m, queue = :q, origin = if_not_exists(origin, :o), #r = if_not_exists(#r, :u), "
        "sentence = if_not_exists(sentence, :u), attempts = if_not_exists(attempts, :z), "
        "body_hash = if_not_exists(body_hash, :u), first_at = if_not_exists(first_at, :t), last_at = :t, expires = :e"
    )
    request = update_of(
        table.name, keys.failure(queue, failure_id), expression, "", {"#b": "body", "#r": "reason"}, values
    )
    table.update(request)


def get_failure(table: Table, queue: str, failure_id: str) -> FailureItem | None:
    item = table.get(keys.failure(queue, failure_id))
    return FailureItem.from_raw_data(item) if item else None


def failures(table: Table, queue: str, now_ms: int) -> Iterator[FailureItem]:
    """All failures of a queue that have not expired, in no order."""
    for shard in range(keys.FAILURE_SHARDS):
        for item in table.query_all(keys.failure_partition(queue, shard)):
            row = FailureItem.from_raw_data(item)
            if int(row.expires) * 1000 > now_ms:
                yield row


def forget_failure(table: Table, queue: str, failure_id: str) -> None:
    table.delete(keys.failure(queue, failure_id))
