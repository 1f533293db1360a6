"""Move messages out of the queues of failures into the table, before the queues forget them."""

from __future__ import annotations

from dataclasses import dataclass, field

from chalicelib.domain.errors import Conflict
from chalicelib.domain.periods import DAY_MS
from chalicelib.gateways.queues import Received
from chalicelib.services.context import Context
from chalicelib.services.parked import from_queue, parked_id, receive_all, release
from chalicelib.services.process_messages import DEAD_LETTER, REJECTED
from chalicelib.store.failures import archive_body, get_failure
from chalicelib.store.table import StoreError

# The queues keep 14 days from the first enqueue: four days and sixteen runs are left for trouble.
ARCHIVE_AFTER_MS = 10 * DAY_MS
# One run's work; SQS gives roughly the oldest first.
MAX_PER_RUN = 10_000
# As long as the function may run, and some: what it holds does not come to it twice.
HOLD_S = 360
# Kept for releasing what a run holds: 10,000 messages, ten a call.
RESERVE_MS = 30_000


@dataclass(slots=True)
class Archived:
    """`moved` by queue; `failed`: message id -> why it stays in its queue until the next run."""

    moved: dict[str, int] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


def archive_failures(context: Context) -> Archived:
    """Archive what is older than 10 days in both queues, until the deadline is near."""
    result = Archived()
    for queue in (REJECTED, DEAD_LETTER):
        result.moved[queue] = _archive_queue(context, queue, result)
    return result


def _archive_queue(context: Context, queue: str, result: Archived) -> int:
    moved = 0
    held: list[str] = []
    try:
        for batch in receive_all(context, queue, HOLD_S, MAX_PER_RUN):
            old = [message for message in batch if context.now_ms() - message.sent_ms > ARCHIVE_AFTER_MS]
            held += [message.receipt for message in batch if message not in old]
            done = [message.receipt for message in old if _archive(context, queue, message, result)]
            # Written before: a death in between only writes it again.
            context.queues.delete(queue, done)
            moved += len(done)
            if not context.has_time(RESERVE_MS):
                break
    finally:
        release(context, queue, held)
    return moved


def _archive(context: Context, queue: str, message: Received, result: Archived) -> bool:
    try:
        name = parked_id(queue, message)
        parked = from_queue(queue, message, get_failure(context.table, queue, name))
        archive_body(context.table, queue, name, parked.body, parked.received_ms, parked.origin, context.now_ms())
    except (StoreError, Conflict) as error:
        result.failed[message.id] = str(error)
        return False
    return True
