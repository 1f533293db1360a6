"""Failed messages: their content and their origin.

A rejected message is in the table from the start; its message on `rejected` is an envelope that names the row.
`dead_letter` holds messages that kept failing, in their original form; `boards_dead_letter` holds board messages.
Messages of these two are moved to the table before the queues delete them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from chalicelib.domain.core.queues import BOARDS, BOARDS_DEAD_LETTER, REJECTED
from chalicelib.domain.events.rejections import Rejections
from chalicelib.gateways.queues import Received
from chalicelib.services.context import Context
from chalicelib.services.events.messages import body_hash
from chalicelib.store.events.failed_bodies import load_body
from chalicelib.store.events.failed_messages import get_notes
from chalicelib.store.events.models import FailureItem, NoteItem

UNKNOWN = "unknown"
DEFAULT_ORIGIN = "events"


class RejectedPart(msgspec.Struct):
    """One rejected event of an envelope, as sent. `index` is null for a body that was rejected as a whole."""

    index: int | None
    reason: str
    sentence: str
    event: Any


class Envelope(msgspec.Struct, rename="camel"):
    """A message of the queue `rejected`: the row of the rejected message in the table, and the reason.

    `reasons`: reason -> number of rejected events. `events`: the first of them, as many as fit.
    """

    id: str
    reason: str
    sentence: str
    queue: str
    received_at: str
    reasons: dict[str, int]
    events: list[msgspec.Raw] = []


@dataclass(frozen=True, slots=True)
class FailedMessage:
    """A failed message, in a queue or in the table.

    `body`: the original one; empty if it was not requested, None if it is deleted. `received_ms`: when its first queue
    received it. `receipt`: its handle while it is in flight from its queue; empty if it is in the table. `rejections`:
    its events that can never be valid.
    """

    id: str
    queue: str
    origin: str
    body: str | None
    received_ms: int
    reason: str
    sentence: str
    attempts: int
    body_hash: str
    group: str = ""
    receipt: str = ""
    rejections: Rejections | None = None

    @property
    def archived(self) -> bool:
        return not self.receipt


def failed_message_id(queue: str, message: Received) -> str:
    """Return the id of a message in flight. In a FIFO queue it contains the message's place in its group."""
    return f"{message.group}/{message.sequence:0>20}" if queue == BOARDS_DEAD_LETTER else message.id


def is_envelope(queue: str, message: Received) -> bool:
    """Return whether a message only names a row of the table."""
    return queue == REJECTED and envelope_of(message.body) is not None


def from_queue(queue: str, message: Received, note: NoteItem | None) -> FailedMessage:
    """Return a message in flight that is no envelope, with its note from the table."""
    known_origin = str(note.origin) if note else BOARDS if queue == BOARDS_DEAD_LETTER else DEFAULT_ORIGIN
    return FailedMessage(
        id=failed_message_id(queue, message),
        queue=queue,
        origin=message.source or known_origin,
        body=message.body,
        received_ms=message.sent_ms,
        reason=str(note.reason) if note else UNKNOWN,
        sentence=str(note.sentence) if note else "",
        attempts=int(note.attempts) if note else message.attempts,
        body_hash=str(note.body_hash) if note else body_hash(message.body),
        group=message.group,
        receipt=message.receipt,
    )


def from_table(context: Context, row: FailureItem, *, with_body: bool) -> FailedMessage:
    """Return a message that is in the table."""
    return FailedMessage(
        id=str(row.sk),
        queue=str(row.queue),
        origin=str(row.origin),
        body=load_body(context.table, row) if with_body else "",
        received_ms=int(row.received_at),
        reason=str(row.reason),
        sentence=str(row.sentence),
        attempts=int(row.attempts),
        body_hash=str(row.body_hash),
        group=str(row.message_group or ""),
        rejections=row.rejections,
    )


def with_notes(context: Context, queue: str, messages: Sequence[Received]) -> list[FailedMessage]:
    """Return messages in flight that are no envelopes, each with the reason of its failure."""
    notes = get_notes(context.table, queue, [message.id for message in messages], context.now_ms())
    return [from_queue(queue, message, notes.get(message.id)) for message in messages]


def receive_all(context: Context, queue: str, visibility_s: int, most: int) -> Iterator[list[Received]]:
    """Yield the messages of a queue, up to about `most`, each once; they stay hidden for `visibility_s`."""
    received_ids: set[str] = set()
    while len(received_ids) < most:
        batch = context.queues.receive(queue, visibility_s)
        fresh = [message for message in batch if message.id not in received_ids]
        if not fresh:
            return
        received_ids |= {message.id for message in fresh}
        yield fresh


def release(context: Context, queue: str, receipts: Sequence[str]) -> None:
    """Make messages visible to other receivers at once."""
    if receipts:
        context.queues.postpone(queue, dict.fromkeys(receipts, 0))


def envelope_of(body: str) -> Envelope | None:
    """Decode a message of the queue `rejected` as an envelope; None if Laurel did not send it."""
    try:
        return msgspec.json.decode(body, type=Envelope)
    except (msgspec.MsgspecError, RecursionError):
        return None
