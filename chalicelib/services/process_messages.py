"""Take a batch of messages off an event queue: parse, reject, apply, and say which must come again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from chalicelib.domain import events
from chalicelib.domain.errors import Conflict, RejectedEvent
from chalicelib.domain.events import Delivery, Event
from chalicelib.domain.periods import moment_name
from chalicelib.gateways.queues import MAX_BATCH_BYTES
from chalicelib.services.apply_events import Outcome, apply_events
from chalicelib.services.context import Context
from chalicelib.services.watch_backlog import note_received
from chalicelib.store.failures import Failure, archive_body, note_failure
from chalicelib.store.table import StoreError

REJECTED, DEAD_LETTER = "rejected", "dead_letter"
# Events taken at once: as many as one invocation's memory and time hold with room to spare.
MAX_EVENTS_AT_ONCE = 2000
# What a part may take: the slowest commit with all its retries.
RESERVE_MS = 15_000
# A message that lost five races comes back soon, alone, at a random moment; others wait the queue's own timeout.
CONFLICT_RETRY_SECONDS = (1, 5)


@dataclass(frozen=True, slots=True)
class Message:
    """One SQS message. `sent_ms`: when its queue first had it. `attempts`: deliveries so far, this one included."""

    id: str
    receipt: str
    body: str
    sent_ms: int
    attempts: int = 1


@dataclass(slots=True)
class Report:
    """What became of a batch: `failed` message ids, counts for metrics, and `outcomes` by player."""

    failed: dict[str, Exception] = field(default_factory=dict)
    rejected: dict[str, int] = field(default_factory=dict)
    outcomes: list[Outcome] = field(default_factory=list)
    postponed: int = 0
    oldest_ms: int = 0


@dataclass(frozen=True, slots=True)
class _Rejection:
    message: Message
    index: int
    raw: Any
    error: RejectedEvent


class OutOfTime(Exception):
    """The invocation would have ended before this message was done."""


def process_messages(context: Context, queue: str, messages: Sequence[Message]) -> Report:
    """Apply every event of the messages; `queue` is the short name of where they came from.

    No part is begun when the deadline is near. A message is failed if any of its events could not be applied or
    anything it owes not be sent; its neighbours are not.
    """
    report = Report(oldest_ms=min((message.sent_ms for message in messages), default=0))
    if messages:
        note_received(context, queue, report.oldest_ms)
    parsed: list[tuple[Message, list[Event]]] = []
    rejections: list[_Rejection] = []
    for message in messages:
        try:
            good, bad = _parse(context, queue, message)
        except Exception as error:  # noqa: BLE001 - what breaks on one message must not keep its neighbours
            report.failed[message.id] = error
            continue
        parsed.append((message, good))
        rejections += bad
    for part in _parts(parsed):
        if not context.has_time(RESERVE_MS):
            report.failed |= {message.id: OutOfTime() for message, _ in part}
            continue
        outcomes = apply_events(context, [event for _, good in part for event in good])
        report.outcomes += outcomes
        rejections += _rejected_by_rules(part, outcomes)
        for outcome in outcomes:
            if outcome.failed is not None:
                report.failed |= {event.message_id: outcome.failed for event in outcome.events}
    # A message that comes again brings its rejections again.
    _reject(context, queue, [each for each in rejections if each.message.id not in report.failed], report)
    _note_failed(context, queue, messages, report)
    return report


def _parse(context: Context, queue: str, message: Message) -> tuple[list[Event], list[_Rejection]]:
    try:
        raws = events.split(message.body)
    except RejectedEvent as error:
        return [], [_Rejection(message, 0, message.body, error)]
    good: list[Event] = []
    bad: list[_Rejection] = []
    now_ms = context.now_ms()
    for index, raw in enumerate(raws):
        delivery = Delivery(message.id, message.sent_ms, index, own=queue == "own", backfill=queue == "backfill")
        try:
            good.append(events.parse(raw, delivery, context.rules.settings, now_ms))
        except RejectedEvent as error:
            text = raw.text if isinstance(raw, events.Unreadable) else raw
            bad.append(_Rejection(message, index, text, error))
    return good, bad


def _parts(parsed: list[tuple[Message, list[Event]]]) -> Iterator[list[tuple[Message, list[Event]]]]:
    part: list[tuple[Message, list[Event]]] = []
    size = 0
    for message, good in parsed:
        if part and size + len(good) > MAX_EVENTS_AT_ONCE:
            yield part
            part, size = [], 0
        part.append((message, good))
        size += len(good)
    if part:
        yield part


def _rejected_by_rules(part: list[tuple[Message, list[Event]]], outcomes: list[Outcome]) -> list[_Rejection]:
    """Events that their rules refused: told by object, since a message may hold equal ones."""
    refused = {id(event): error for outcome in outcomes for event, error in outcome.rejected if outcome.failed is None}
    return [
        _Rejection(message, event.index, _raw_of(event), refused[id(event)])
        for message, good in part
        for event in good
        if id(event) in refused
    ]


def _raw_of(event: Event) -> dict[str, Any]:
    raw = {
        "specversion": "1.0",
        "id": event.id,
        "source": event.source,
        "type": event.type,
        "subject": event.player,
        # Without a time of its own an event happened when it was received.
        "time": None if event.time_ms == event.received_ms and event.keyed else moment_name(event.time_ms),
        "receivedAt": moment_name(event.received_ms),
        "data": event.data,
    }
    return {name: value for name, value in raw.items() if value is not None}


def _reject(context: Context, queue: str, rejections: list[_Rejection], report: Report) -> None:
    """Send what can never be valid to the rejected queue, its reason with it and beside it."""
    large: list[tuple[_Rejection, str]] = []
    bodies: list[str] = []
    try:
        for rejection in rejections:
            note_failure(context.table, _failure(context, queue, rejection))
            body = _envelope(queue, rejection)
            if len(body.encode()) <= MAX_BATCH_BYTES:
                bodies.append(body)
            else:
                large.append((rejection, body))
        context.queues.send(REJECTED, bodies)
    except Exception as error:  # noqa: BLE001 - the messages come again and are rejected again
        report.failed |= {rejection.message.id: error for rejection in rejections}
        return
    for rejection, body in large:
        _reject_to_table(context, queue, rejection, body, report)
    for rejection in rejections:
        if rejection.message.id not in report.failed:
            report.rejected[rejection.error.reason] = report.rejected.get(rejection.error.reason, 0) + 1


def _reject_to_table(context: Context, queue: str, rejection: _Rejection, body: str, report: Report) -> None:
    """What escapes make too large for a message goes at once to where it would go before its queue forgets it."""
    name, sent_ms = f"{rejection.message.id}/{rejection.index}", rejection.message.sent_ms
    try:
        archive_body(context.table, REJECTED, name, body, sent_ms, queue, context.now_ms())
    except (StoreError, Conflict) as error:
        # Too large for an item, too: alone, it ends as a dead letter, as it was sent.
        report.failed[rejection.message.id] = error


def _failure(context: Context, queue: str, rejection: _Rejection) -> Failure:
    return Failure(
        id=f"{rejection.message.id}/{rejection.index}",
        queue=REJECTED,
        reason=rejection.error.reason,
        sentence=rejection.error.sentence,
        attempts=rejection.message.attempts,
        body_hash=body_hash(rejection.message.body),
        origin=queue,
        at_ms=context.now_ms(),
    )


def _envelope(queue: str, rejection: _Rejection) -> str:
    return msgspec.json.encode(
        {
            "id": f"{rejection.message.id}/{rejection.index}",
            "reason": rejection.error.reason,
            "sentence": rejection.error.sentence,
            "queue": queue,
            "receivedAt": moment_name(rejection.message.sent_ms),
            "event": rejection.raw,
        }
    ).decode()


def _note_failed(context: Context, queue: str, messages: Sequence[Message], report: Report) -> None:
    """Keep why each message failed, and bring back early those that only lost a race."""
    soon: dict[str, int] = {}
    for message in messages:
        error = report.failed.get(message.id)
        if error is None:
            continue
        if isinstance(error, Conflict):
            soon[message.receipt] = int(context.uniform(*CONFLICT_RETRY_SECONDS))
        if isinstance(error, OutOfTime):
            soon[message.receipt] = 0
            continue
        failure = Failure(
            id=message.id,
            queue=DEAD_LETTER,
            reason=type(error).__name__,
            sentence=str(error),
            attempts=message.attempts,
            body_hash=body_hash(message.body),
            origin=queue,
            at_ms=context.now_ms(),
        )
        try:
            note_failure(context.table, failure)
        except (StoreError, Conflict):
            # The note is for whoever looks later; the message itself is safe in its queue.
            continue
    report.postponed = len(soon)
    if soon:
        context.queues.postpone(queue, soon)


def body_hash(body: str) -> str:
    return hashlib.sha256(body.encode("utf-8", "surrogatepass")).hexdigest()
