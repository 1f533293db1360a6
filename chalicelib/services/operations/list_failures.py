"""List failed messages: those in the table, then those in a queue of failed messages."""

from __future__ import annotations

from dataclasses import dataclass, field

from chalicelib.domain.core.queues import REJECTED
from chalicelib.services.context import Context
from chalicelib.services.events.failed_messages import (
    FailedMessage,
    failed_message_id,
    from_table,
    is_envelope,
    receive_all,
    release,
    with_notes,
)
from chalicelib.store.events.failed_messages import END, failures_page, get_failures

# Fits a terminal and takes a minute. A longer list continues from its cursor.
MAX_LISTED = 1000
# Rows of one query: at most 20 KB each, usually 1 or 2.
PAGE = 200
# Longer than reading that many messages takes. They are always released at the end.
HOLD_S = 60


@dataclass(slots=True)
class Listing:
    """A list of failed messages.

    `after`: the cursor to continue from; None once the queue was read. `complete`: all visible messages are in the list
    (messages that other receivers hold are not visible).
    """

    found: list[FailedMessage] = field(default_factory=list)
    after: str | None = None
    complete: bool = True


def list_failures(
    context: Context, queue: str, most: int = MAX_LISTED, after: str = "", *, with_bodies: bool = True
) -> Listing:
    """List up to `most` failed messages, oldest first within the list; they stay in place.

    Raises InvalidRequest for a cursor that no list returned.
    """
    listing = Listing(after=after)
    while listing.after is not None and len(listing.found) < most:
        limit = min(PAGE, most - len(listing.found))
        rows, listing.after = failures_page(context.table, queue, listing.after, limit, context.now_ms())
        listing.found += context.each(lambda row: from_table(context, row, with_body=with_bodies), rows)
    if listing.after is None and len(listing.found) >= most:
        listing.after = END
    listing.complete = listing.after is None and _read_queue(context, queue, listing, most)
    listing.found.sort(key=lambda failed: (failed.received_ms, failed.id))
    return listing


def _read_queue(context: Context, queue: str, listing: Listing, most: int) -> bool:
    """Add the messages of the queue that no listed row covers; return whether these were all."""
    known = {failed.id for failed in listing.found}
    receipts: list[str] = []
    try:
        for batch in receive_all(context, queue, HOLD_S, most):
            receipts += [message.receipt for message in batch]
            fresh = [message for message in batch if not is_envelope(queue, message)]
            listing.found += [failed for failed in with_notes(context, queue, fresh) if failed.id not in known]
            if len(listing.found) >= most:
                del listing.found[most:]
                return False
    finally:
        release(context, queue, receipts)
    # The number of envelopes does not matter: their rows are listed.
    return queue == REJECTED or len(receipts) < most


def find_failure(context: Context, queue: str, failure_id: str) -> FailedMessage | None:
    """Return a failed message by its id, from the table or the queue; None if there is none."""
    rows = get_failures(context.table, queue, [failure_id], context.now_ms())
    if failure_id in rows:
        return from_table(context, rows[failure_id], with_body=True)
    receipts: list[str] = []
    try:
        for batch in receive_all(context, queue, HOLD_S, MAX_LISTED):
            receipts += [message.receipt for message in batch]
            for message in batch:
                if failed_message_id(queue, message) == failure_id and not is_envelope(queue, message):
                    return with_notes(context, queue, [message])[0]
    finally:
        release(context, queue, receipts)
    return None
