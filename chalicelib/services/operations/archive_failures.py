"""Move failed messages from their queues into the table, before the queues delete them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import inf

from chalicelib.domain.core.batches import batched
from chalicelib.domain.core.errors import OutOfReach
from chalicelib.domain.core.periods import DAY_MS
from chalicelib.domain.core.queues import BOARDS_DEAD_LETTER, DEAD_LETTER, REJECTED
from chalicelib.gateways.queues import MAX_ENTRIES, Received
from chalicelib.services.context import Context
from chalicelib.services.events.failed_messages import FailedMessage, is_envelope, release, with_notes
from chalicelib.store.events.failed_messages import Failure, set_aside

# Rejected messages are in the table from the start: nothing is lost if a run ends before it reaches them.
QUEUES = (BOARDS_DEAD_LETTER, DEAD_LETTER, REJECTED)
# The queues keep messages for 14 days from the first enqueue, which leaves four days and sixteen runs for failures.
ARCHIVE_AFTER_MS = 10 * DAY_MS
# Parallel receives, one per thread of the function: at most 80 messages of 1 MiB are in memory together.
RECEIVES = 8
# Longer than the function's timeout, so that a run receives no message twice.
HOLD_S = 360
# SQS returns roughly the oldest messages first and allows 120,000 in flight. A run stops after this many young ones.
MAX_HELD = 10_000
# Reserve for releasing the held messages, ten per call.
RESERVE_MS = 30_000


@dataclass(slots=True)
class Archived:
    """The result of a run. `moved`: queue -> number; `failed`: message id -> the error. The next run retries those.

    `oldest_ms`: when the oldest message that stays in a queue was sent, of those received. `complete`: the time
    sufficed for every queue.
    """

    moved: dict[str, int] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    oldest_ms: int | None = None
    complete: bool = True

    def leave(self, sent_ms: Iterable[int]) -> None:
        """Note when messages that stay were sent."""
        self.oldest_ms = min([*sent_ms, *([] if self.oldest_ms is None else [self.oldest_ms])], default=None)


def archive_failures(context: Context) -> Archived:
    """Archive the messages older than 10 days of all queues of failed messages, until the deadline is near.

    Each queue gets a share of the time, so that a full queue does not block the others. Raises the error of a queue
    that could not be read, after the others are done.
    """
    result = Archived()
    errors: list[Exception] = []
    for place, queue in enumerate(QUEUES):
        result.moved[queue] = 0
        try:
            _archive_queue(context, queue, _share_ends_ms(context, len(QUEUES) - place), result)
        except Exception as error:  # noqa: BLE001 - raised below
            errors.append(error)
    if errors:
        raise errors[0]
    return result


def _share_ends_ms(context: Context, queues: int) -> float:
    """Return when the share of the next queue ends, of `queues` left. No round starts later, but one may still run."""
    if context.deadline_ms is None:
        return inf
    return context.now_ms() + (context.deadline_ms - RESERVE_MS - context.now_ms()) // queues


def _archive_queue(context: Context, queue: str, ends_ms: float, result: Archived) -> None:
    held: dict[str, int] = {}
    received_ids: set[str] = set()
    try:
        while len(held) < MAX_HELD:
            if context.now_ms() >= ends_ms or not context.has_time(RESERVE_MS):
                result.complete = False
                return
            batch = _receive(context, queue, received_ids)
            if not batch:
                return
            held |= {message.receipt: message.sent_ms for message in batch}
            old = [message for message in batch if context.now_ms() - message.sent_ms > ARCHIVE_AFTER_MS]
            # The write precedes the deletion: after a crash in between, the next run repeats the write.
            written = _write(context, queue, old, result)
            gone = _delete(context, queue, written, result)
            for message in gone:
                del held[message.receipt]
            result.moved[queue] += len(gone)
    finally:
        result.leave(held.values())
        release(context, queue, sorted(held))


def _receive(context: Context, queue: str, received_ids: set[str]) -> list[Received]:
    """Receive messages; return those that are new in this run. Duplicates within the batch count once."""
    batches = context.each(lambda _: context.queues.receive(queue, HOLD_S), range(RECEIVES))
    fresh = {message.id: message for batch in batches for message in batch if message.id not in received_ids}
    received_ids |= fresh.keys()
    return list(fresh.values())


def _write(context: Context, queue: str, messages: Sequence[Received], result: Archived) -> list[Received]:
    """Write the rows of old messages in parallel; return the messages that are in the table now."""
    envelopes = [message for message in messages if is_envelope(queue, message)]
    others = [message for message in messages if not is_envelope(queue, message)]
    try:
        failures = with_notes(context, queue, others)
    except OutOfReach as error:
        result.failed |= {message.id: str(error) for message in others}
        return envelopes
    errors = context.each(lambda each: _record(context, each), failures)
    written = list(envelopes)
    stopped: set[str] = set()
    for message, write_error in zip(others, errors, strict=True):
        if write_error is not None:
            result.failed[message.id] = str(write_error)
            stopped.add(message.group)
        elif not message.group or message.group not in stopped:
            # Messages after a failed one stay in the queue with it, to keep the order of their group.
            written.append(message)
    return written


def _record(context: Context, failed_message: FailedMessage) -> Exception | None:
    try:
        set_aside(
            context.table,
            Failure(
                id=failed_message.id,
                queue=failed_message.queue,
                reason=failed_message.reason,
                sentence=failed_message.sentence,
                attempts=failed_message.attempts,
                body_hash=failed_message.body_hash,
                origin=failed_message.origin,
                at_ms=context.now_ms(),
                body=failed_message.body or "",
                received_ms=failed_message.received_ms,
                group=failed_message.group,
            ),
        )
    except Exception as error:  # noqa: BLE001 - one failure must not stop the others
        return error
    return None


def _delete(context: Context, queue: str, messages: Sequence[Received], result: Archived) -> list[Received]:
    """Delete messages from their queue in parallel; return the deleted ones."""
    calls = list(batched(messages, MAX_ENTRIES))

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
