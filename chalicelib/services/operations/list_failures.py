"""List what was set aside: messages that lie in the table, then those waiting in a queue of failures."""

from __future__ import annotations

from dataclasses import dataclass, field

from chalicelib.domain.core.queues import REJECTED
from chalicelib.services.context import Context
from chalicelib.services.events.failed_messages import (
    Parked,
    from_table,
    is_envelope,
    parked_id,
    receive_all,
    release,
    with_notes,
)
from chalicelib.store.events.failed_messages import END, failures_page, get_failures

# What a terminal and a minute hold; a longer list goes on from its cursor.
MAX_LISTED = 1000
# Rows of one query: at most 20 KB each, mostly 1 or 2.
PAGE = 200
# Longer than reading that many messages takes; they are released at the end in any case.
LOOK_S = 60


@dataclass(slots=True)
class Listing:
    """`after`: the cursor to go on from, None once the queue itself was looked at. `complete`: everything that could
    be seen is here (messages that others hold cannot)."""

    found: list[Parked] = field(default_factory=list)
    after: str | None = None
    complete: bool = True


def list_failures(
    context: Context, queue: str, most: int = MAX_LISTED, after: str = "", *, with_bodies: bool = True
) -> Listing:
    """Up to `most` messages set aside, oldest first among those of one list; they stay where they are.

    Raises InvalidRequest for a cursor that no list gave.
    """
    listing = Listing(after=after)
    while listing.after is not None and len(listing.found) < most:
        limit = min(PAGE, most - len(listing.found))
        rows, listing.after = failures_page(context.table, queue, listing.after, limit, context.now_ms())
        listing.found += context.each(lambda row: from_table(context, row, with_body=with_bodies), rows)
    if listing.after is None and len(listing.found) >= most:
        listing.after = END
    listing.complete = listing.after is None and _look(context, queue, listing, most)
    listing.found.sort(key=lambda parked: (parked.received_ms, parked.id))
    return listing


def _look(context: Context, queue: str, listing: Listing, most: int) -> bool:
    """Add the messages in the queue that no row tells of; answers whether that were all."""
    known = {parked.id for parked in listing.found}
    receipts: list[str] = []
    try:
        for batch in receive_all(context, queue, LOOK_S, most):
            receipts += [message.receipt for message in batch]
            fresh = [message for message in batch if not is_envelope(queue, message)]
            listing.found += [parked for parked in with_notes(context, queue, fresh) if parked.id not in known]
            if len(listing.found) >= most:
                del listing.found[most:]
                return False
    finally:
        release(context, queue, receipts)
    # Of envelopes there may be any number: their rows are listed.
    return queue == REJECTED or len(receipts) < most


def find_failure(context: Context, queue: str, failure_id: str) -> Parked | None:
    """One message by its id, from the table or the queue."""
    rows = get_failures(context.table, queue, [failure_id], context.now_ms())
    if failure_id in rows:
        return from_table(context, rows[failure_id], with_body=True)
    receipts: list[str] = []
    try:
        for batch in receive_all(context, queue, LOOK_S, MAX_LISTED):
            receipts += [message.receipt for message in batch]
            for message in batch:
                if parked_id(queue, message) == failure_id and not is_envelope(queue, message):
                    return with_notes(context, queue, [message])[0]
    finally:
        release(context, queue, receipts)
    return None
