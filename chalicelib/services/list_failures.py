"""List what was set aside: messages waiting in a queue of failures, and those the table has taken over."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice

from chalicelib.services.context import Context
from chalicelib.services.parked import (
    BOARDS_DEAD_LETTER,
    Parked,
    from_queue,
    from_table,
    parked_id,
    receive_all,
    release,
)
from chalicelib.store.failures import failures, get_failure
from chalicelib.store.models import FailureItem

# What a terminal and a minute hold; a longer queue is dealt with in parts.
MAX_LISTED = 1000
# Rows looked at for archived bodies: most rows are only the reasons of messages that have passed since.
MAX_ROWS = 20_000
# Longer than reading that many messages takes; they are released at the end in any case.
LOOK_S = 60


@dataclass(slots=True)
class Listing:
    """`complete`: everything that could be seen is here (messages that others hold cannot)."""

    found: list[Parked] = field(default_factory=list)
    complete: bool = True


def list_failures(context: Context, queue: str, most: int = MAX_LISTED) -> Listing:
    """Everything in a queue of failures, oldest first; the messages stay where they are."""
    rows = _rows(context, queue)
    listing = Listing()
    known: set[str] = set()
    receipts: list[str] = []
    try:
        for batch in receive_all(context, queue, LOOK_S, most):
            for message in batch:
                receipts.append(message.receipt)
                name = parked_id(queue, message)
                if name in known:
                    continue
                known.add(name)
                row = rows.get(name) or (get_failure(context.table, queue, name) if len(rows) == MAX_ROWS else None)
                listing.found.append(from_queue(queue, message, row))
    finally:
        release(context, queue, receipts)
    archived = [parked for row in rows.values() if (parked := from_table(row)) and parked.id not in known]
    listing.complete = len(receipts) < most and len(rows) < MAX_ROWS
    listing.found = sorted([*listing.found, *archived], key=lambda parked: (parked.received_ms, parked.id))
    return listing


def find_failure(context: Context, queue: str, failure_id: str) -> Parked | None:
    """One message by its id, from the table or the queue."""
    row = None if queue == BOARDS_DEAD_LETTER else get_failure(context.table, queue, failure_id)
    if row and (archived := from_table(row)):
        return archived
    receipts: list[str] = []
    try:
        for batch in receive_all(context, queue, LOOK_S, MAX_LISTED):
            receipts += [message.receipt for message in batch]
            for message in batch:
                if parked_id(queue, message) == failure_id:
                    return from_queue(queue, message, row)
    finally:
        release(context, queue, receipts)
    return None


def _rows(context: Context, queue: str) -> dict[str, FailureItem]:
    if queue == BOARDS_DEAD_LETTER:
        return {}
    return {str(row.sk): row for row in islice(failures(context.table, queue, context.now_ms()), MAX_ROWS)}
