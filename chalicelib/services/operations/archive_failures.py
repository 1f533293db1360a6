"""Move messages out of the queues of failures into the table, before the queues forget them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf

from chalicelib.domain.core.errors import OutOfReach
from chalicelib.domain.core.periods import DAY_MS
from chalicelib.domain.core.queues import BOARDS_DEAD_LETTER, DEAD_LETTER, REJECTED
from chalicelib.gateways.queues import MAX_ENTRIES, Received
from chalicelib.services.context import Context
from chalicelib.services.events.failed_messages import Parked, is_envelope, release, with_notes
from chalicelib.store.events.failed_messages import Failure, set_aside

# Rejected messages lie in the table from the start, so nothing is lost if the time of a run ends before their turn.
QUEUES = (BOARDS_DEAD_LETTER, DEAD_LETTER, REJECTED)
# The queues keep 14 days from the first enqueue: four days and sixteen runs are left for trouble.
ARCHIVE_AFTER_MS = 10 * DAY_MS
# As many receives at once as the function has threads: 80 messages of at most 1 MiB are in memory together.
RECEIVES = 8
# As long as the function may run, and some: what it holds does not come to it twice.
HOLD_S = 360
# SQS gives roughly the oldest first, and lets 120,000 be in flight: who has seen this many young ones stops.
MAX_HELD = 10_000
# Kept for releasing what a run holds, ten a call.
RESERVE_MS = 30_000


@dataclass(slots=True)
class Archived:
    """`moved` by queue; `failed`: message id -> why it stays in its queue until the next run."""

    moved: dict[str, int] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


def archive_failures(context: Context) -> Archived:
    """Archive what is older than 10 days in all queues of failures, until the deadline is near.

    Each queue has its share of the time, so that none waits for a flood in another. Raises what kept a queue from
    being read, once the others are done.
    """
    result = Archived()
    trouble: list[Exception] = []
    for place, queue in enumerate(QUEUES):
        result.moved[queue] = 0
        try:
            _archive_queue(context, queue, _share_ends_ms(context, len(QUEUES) - place), result)
        except Exception as error:  # noqa: BLE001 - raised below
            trouble.append(error)
    if trouble:
        raise trouble[0]
    return result


def _share_ends_ms(context: Context, queues: int) -> float:
    """When the share of the next of so many queues ends: no round begins after it, but one may go on."""
    if context.deadline_ms is None:
        return inf
    return context.now_ms() + (context.deadline_ms - RESERVE_MS - context.now_ms()) // queues


def _archive_queue(context: Context, queue: str, ends_ms: float, result: Archived) -> None:
    held: set[str] = set()
    seen: set[str] = set()
    try:
        while context.now_ms() < ends_ms and context.has_time(RESERVE_MS) and len(held) < MAX_HELD:
            batch = _receive(context, queue, seen)
            if not batch:
                return
            held |= {message.receipt for message in batch}
            old = [message for message in batch if context.now_ms() - message.sent_ms > ARCHIVE_AFTER_MS]
            # Written before it is deleted: a death in between only writes it again.
            written = _write(context, queue, old, result)
            gone = _delete(context, queue, written, result)
            held -= {message.receipt for message in gone}
            result.moved[queue] += len(gone)
    finally:
        release(context, queue, sorted(held))


def _receive(context: Context, queue: str, seen: set[str]) -> list[Received]:
    """Messages that this run has not seen. One that comes twice at once is received at once."""
    batches = context.each(lambda _: context.queues.receive(queue, HOLD_S), range(RECEIVES))
    fresh = {message.id: message for batch in batches for message in batch if message.id not in seen}
    seen |= fresh.keys()
    return list(fresh.values())


def _write(context: Context, queue: str, messages: Sequence[Received], result: Archived) -> list[Received]:
    """Write the rows of old messages, side by side; answers those that the table holds now."""
    envelopes = [message for message in messages if is_envelope(queue, message)]
    others = [message for message in messages if not is_envelope(queue, message)]
    try:
        parked = with_notes(context, queue, others)
    except OutOfReach as error:
        result.failed |= {message.id: str(error) for message in others}
        return envelopes
    errors = context.each(lambda each: _set_aside(context, each), parked)
    written = list(envelopes)
    stopped: set[str] = set()
    for message, kept_out in zip(others, errors, strict=True):
        if kept_out is not None:
            result.failed[message.id] = str(kept_out)
            stopped.add(message.group)
        elif not message.group or message.group not in stopped:
            # What follows a failure in its group stays behind it: both keep their order.
            written.append(message)
    return written


def _set_aside(context: Context, parked: Parked) -> Exception | None:
    try:
        set_aside(
            context.table,
            Failure(
                id=parked.id,
                queue=parked.queue,
                reason=parked.reason,
                sentence=parked.sentence,
                attempts=parked.attempts,
                body_hash=parked.body_hash,
                origin=parked.origin,
                at_ms=context.now_ms(),
                body=parked.body or "",
                received_ms=parked.received_ms,
                group=parked.group,
            ),
        )
    except Exception as error:  # noqa: BLE001 - whatever it is about this message must not keep its neighbours
        return error
    return None


def _delete(context: Context, queue: str, messages: Sequence[Received], result: Archived) -> list[Received]:
    """Delete messages from their queue, side by side; answers those that are gone."""
    calls = [messages[start : start + MAX_ENTRIES] for start in range(0, len(messages), MAX_ENTRIES)]

    def delete(call: Sequence[Received]) -> OutOfReach | None:
        try:
            context.queues.delete(queue, [message.receipt for message in call])
        except OutOfReach as error:
            return error
        return None

    gone: list[Received] = []
    for call, error in zip(calls, context.each(delete, calls), strict=True):
        if error is None:
            gone += call
        else:
            result.failed |= {message.id: str(error) for message in call}
    return gone
