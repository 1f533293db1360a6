"""Send set-aside messages again to the queue they came from. Each is forgotten only after its queue has it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from itertools import islice

from chalicelib.services.board_messages import BOARDS
from chalicelib.services.context import Context
from chalicelib.services.parked import (
    BOARDS_DEAD_LETTER,
    NotRedrivable,
    Parked,
    bodies_again,
    from_queue,
    from_table,
    parked_id,
    receive_all,
    release,
)
from chalicelib.store.failures import failures, forget_failure, get_failure

# One command's work; what is left over waits for the next.
MAX_REDRIVEN = 10_000
# What is not redriven stays hidden until the end, so that the queue runs empty.
HOLD_S = 600


@dataclass(slots=True)
class Redriven:
    """Ids sent again, and ids refused with the reason."""

    done: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)


def redrive_failures(context: Context, queue: str, ids: Collection[str] | None = None) -> Redriven:
    """Redrive the messages with these ids, or all if None; an id that is not there is in neither list.

    An end half-way leaves a message sent and not yet forgotten: sent once more, its events are duplicates.
    """
    result = Redriven()
    _from_queue(context, queue, ids, result)
    if queue != BOARDS_DEAD_LETTER:
        _from_table(context, queue, ids, result)
    return result


def _from_queue(context: Context, queue: str, ids: Collection[str] | None, result: Redriven) -> None:
    held: list[str] = []
    began_ms = context.now_ms()
    try:
        for batch in receive_all(context, queue, HOLD_S, MAX_REDRIVEN):
            held += [message.receipt for message in batch]
            for message in batch:
                name = parked_id(queue, message)
                # What came back while this ran would be redriven for ever.
                if message.sent_ms > began_ms or (ids is not None and name not in ids):
                    continue
                row = None if queue == BOARDS_DEAD_LETTER else get_failure(context.table, queue, name)
                if not _redrive(context, from_queue(queue, message, row), result):
                    continue
                context.queues.delete(queue, [message.receipt])
                held.remove(message.receipt)
                _forget(context, queue, name)
    finally:
        release(context, queue, held)


def _from_table(context: Context, queue: str, ids: Collection[str] | None, result: Redriven) -> None:
    if ids is None:
        rows = islice(failures(context.table, queue, context.now_ms()), MAX_REDRIVEN)
    else:
        found = (get_failure(context.table, queue, name) for name in ids if name not in result.done)
        rows = (row for row in found if row is not None)  # type: ignore[assignment]
    for row in list(rows):
        parked = from_table(row)
        if parked and _redrive(context, parked, result):
            _forget(context, queue, parked.id)


def _redrive(context: Context, parked: Parked, result: Redriven) -> bool:
    """True if its queue has it now; a second copy of a message is not sent again."""
    if parked.id in result.done:
        return True
    try:
        bodies = bodies_again(parked, context.now_ms())
    except NotRedrivable as refusal:
        result.refused[parked.id] = str(refusal)
        return False
    if parked.queue == BOARDS_DEAD_LETTER:
        context.queues.send_grouped(BOARDS, [(parked.group, body) for body in bodies])
    else:
        context.queues.send(parked.origin, bodies)
    result.done.append(parked.id)
    return True


def _forget(context: Context, queue: str, name: str) -> None:
    if queue != BOARDS_DEAD_LETTER:
        forget_failure(context.table, queue, name)
