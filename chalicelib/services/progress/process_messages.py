"""Process a batch of messages of an event queue: parse, apply, reject, and report the failed ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from chalicelib.domain.core.errors import LostRace, RejectedEvent
from chalicelib.domain.core.queues import DEAD_LETTER
from chalicelib.domain.events import event as events
from chalicelib.domain.events.event import Delivery, Event
from chalicelib.domain.events.rejections import Rejection, collect
from chalicelib.services.context import Context, OutOfTime
from chalicelib.services.events.backlog import note_received
from chalicelib.services.events.messages import Message
from chalicelib.services.events.note_failures import note_failures
from chalicelib.services.events.reject_messages import Rejected, reject_messages
from chalicelib.services.progress.apply_events import Outcome, apply_events

# Events processed at once: they fit into the memory and time of one invocation with a margin.
MAX_EVENTS_AT_ONCE = 2000
# Time for a part: the slowest commit with all its retries.
RESERVE_MS = 15_000
# A message that lost five races is delivered again soon, at a random time. Others wait for the queue's timeout.
CONFLICT_RETRY_SECONDS = (1, 5)


@dataclass(slots=True)
class Report:
    """The result of a batch: `failed` message ids, counts for metrics, and `outcomes` by player."""

    failed: dict[str, Exception] = field(default_factory=dict)
    rejected: dict[str, int] = field(default_factory=dict)
    outcomes: list[Outcome] = field(default_factory=list)
    postponed: int = 0
    oldest_ms: int = 0


def process_messages(context: Context, queue: str, messages: Sequence[Message]) -> Report:
    """Apply every event of the messages, then record those that can never be valid. `queue`: short name of the source.

    No part is started when the deadline is near. A message fails if any of its events could not be applied, if any of
    its updates could not be sent, or if its rejections could not be recorded. Other messages do not fail with it.
    """
    report = Report(oldest_ms=min((message.sent_ms for message in messages), default=0))
    if messages:
        note_received(context, queue, report.oldest_ms)
    parsed: list[tuple[Message, list[Event]]] = []
    rejections: dict[str, list[Rejection]] = {}
    for message in messages:
        try:
            good, rejections[message.id] = _parse(context, queue, message)
        except Exception as error:  # noqa: BLE001 - one failure must not stop the others
            report.failed[message.id] = error
            continue
        parsed.append((message, good))
    for part in _parts(parsed):
        if not context.has_time(RESERVE_MS):
            report.failed |= {message.id: OutOfTime() for message, _ in part}
            continue
        outcomes = apply_events(context, [event for _, good in part for event in good])
        report.outcomes += outcomes
        for message, refused in _rejected_by_rules(part, outcomes):
            rejections[message.id] += refused
        for outcome in outcomes:
            if outcome.failed is not None:
                report.failed |= {event.message_id: outcome.failed for event in outcome.events}
    _reject(context, queue, messages, rejections, report)
    _postpone(context, queue, messages, report)
    note_failures(context, queue, DEAD_LETTER, messages, report.failed)
    return report


def _parse(context: Context, queue: str, message: Message) -> tuple[list[Event], list[Rejection]]:
    try:
        raws = events.split(message.body)
    except RejectedEvent as error:
        return [], [Rejection.of(None, error)]
    good: list[Event] = []
    bad: list[Rejection] = []
    now_ms = context.now_ms()
    for index, raw in enumerate(raws):
        delivery = Delivery(message.id, message.sent_ms, index, own=queue == "own", backfill=queue == "backfill")
        try:
            good.append(events.parse(raw, delivery, context.rules.settings, now_ms))
        except RejectedEvent as error:
            bad.append(Rejection.of(index, error))
    return good, bad


def _parts(parsed: list[tuple[Message, list[Event]]]) -> Iterator[list[tuple[Message, list[Event]]]]:
    part: list[tuple[Message, list[Event]]] = []
    size = 0
    for message, good in parsed:
        if part and size + len(good) > MAX_EVENTS_AT_ONCE:
            yield part
            part, size = [], 0
        if good:
            part.append((message, good))
            size += len(good)
    if part:
        yield part


def _rejected_by_rules(
    part: list[tuple[Message, list[Event]]], outcomes: list[Outcome]
) -> Iterator[tuple[Message, list[Rejection]]]:
    """Yield the events that the rules rejected. Identified as objects, since a message may contain equal events."""
    refused = {id(event): error for outcome in outcomes for event, error in outcome.rejected if outcome.failed is None}
    for message, good in part:
        yield message, [Rejection.of(event.index, refused[id(event)]) for event in good if id(event) in refused]


def _reject(
    context: Context, queue: str, messages: Sequence[Message], rejections: dict[str, list[Rejection]], report: Report
) -> None:
    """Record the rejections of messages that have not failed: a redelivery repeats the rejections of the others."""
    rejected = [
        Rejected(message, sorted(rejections[message.id], key=lambda each: each.index or 0))
        for message in messages
        if message.id not in report.failed and rejections[message.id]
    ]
    report.failed |= reject_messages(context, queue, rejected)
    for each in rejected:
        if each.message.id not in report.failed:
            for reason, number in collect(each.rejections).counts().items():
                report.rejected[reason] = report.rejected.get(reason, 0) + number


def _postpone(context: Context, queue: str, messages: Sequence[Message], report: Report) -> None:
    """Deliver messages again early that only lost a race or lacked time."""
    soon: dict[str, int] = {}
    for message in messages:
        error = report.failed.get(message.id)
        if isinstance(error, LostRace):
            soon[message.receipt] = int(context.uniform(*CONFLICT_RETRY_SECONDS))
        if isinstance(error, OutOfTime):
            soon[message.receipt] = 0
    report.postponed = len(soon)
    if soon:
        context.queues.postpone(queue, soon)
