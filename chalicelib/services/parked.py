"""Messages that were set aside: what they say, where they came from, how they travel again.

A rejected message lies in the table from the start; its message on `rejected` is an envelope that names the row. On
`dead_letter` lies the message that kept failing, as it was sent; on `boards_dead_letter` a board message. The table
takes over what these two would forget.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from chalicelib.domain import events, forms
from chalicelib.domain.errors import RejectedEvent
from chalicelib.domain.moments import Instant, decode_moment
from chalicelib.domain.periods import moment_name
from chalicelib.domain.rejections import Rejections
from chalicelib.gateways.queues import Received
from chalicelib.services.board_messages import BOARDS
from chalicelib.services.context import Context
from chalicelib.services.messages import body_hash
from chalicelib.store.bodies import load_body
from chalicelib.store.failures import get_notes
from chalicelib.store.models import FailureItem, NoteItem

REJECTED, DEAD_LETTER, BOARDS_DEAD_LETTER = "rejected", "dead_letter", "boards_dead_letter"
UNKNOWN = "unknown"
DEFAULT_ORIGIN = "events"
# Well under SQS's 256 KB, with room for the array around the events.
MAX_BODY_BYTES = 200 * 1024


class RejectedPart(msgspec.Struct):
    """One rejected event in an envelope, as it was sent; `index` is null for a body that was rejected as a whole."""

    index: int | None
    reason: str
    sentence: str
    event: Any


class Envelope(msgspec.Struct, rename="camel"):
    """A message of the queue `rejected`: which row of the table holds the rejected message, and why it was.

    `reasons`: how many of its events were rejected, by reason. `events`: the first of them, as many as have room.
    """

    id: str
    reason: str
    sentence: str
    queue: str
    received_at: str
    reasons: dict[str, int]
    events: list[msgspec.Raw] = []


class NotRedrivable(Exception):
    """Sending this again cannot help; the message says why."""


@dataclass(frozen=True, slots=True)
class Parked:
    """One message set aside. `body`: as it was sent; empty if it was not asked for, None if it is gone. `received_ms`:
    when its first queue had it. `receipt`: its handle while it is in flight from its queue, empty if it lies in the
    table. `rejections`: which of its events can never be valid."""

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


def parked_id(queue: str, message: Received) -> str:
    """The id of a message in flight: a FIFO queue's tells its place in its group."""
    return f"{message.group}/{message.sequence:0>20}" if queue == BOARDS_DEAD_LETTER else message.id


def is_envelope(queue: str, message: Received) -> bool:
    """Whether a message only tells of a row of the table."""
    return queue == REJECTED and envelope_of(message.body) is not None


def from_queue(queue: str, message: Received, note: NoteItem | None) -> Parked:
    """A message in flight that is no envelope, with what the table says of it."""
    known_origin = str(note.origin) if note else BOARDS if queue == BOARDS_DEAD_LETTER else DEFAULT_ORIGIN
    return Parked(
        id=parked_id(queue, message),
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


def from_table(context: Context, row: FailureItem, *, with_body: bool) -> Parked:
    """A message that lies in the table."""
    return Parked(
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


def with_notes(context: Context, queue: str, messages: Sequence[Received]) -> list[Parked]:
    """Messages in flight that are no envelopes, each with why it failed."""
    notes = get_notes(context.table, queue, [message.id for message in messages], context.now_ms())
    return [from_queue(queue, message, notes.get(message.id)) for message in messages]


def receive_all(context: Context, queue: str, visibility_s: int, most: int) -> Iterator[list[Received]]:
    """The messages waiting in a queue, up to about `most`, each once; they stay hidden for `visibility_s`."""
    seen: set[str] = set()
    while len(seen) < most:
        batch = context.queues.receive(queue, visibility_s)
        fresh = [message for message in batch if message.id not in seen]
        if not fresh:
            return
        seen |= {message.id for message in fresh}
        yield fresh


def release(context: Context, queue: str, receipts: Sequence[str]) -> None:
    """Let others see messages again at once."""
    if receipts:
        context.queues.postpone(queue, dict.fromkeys(receipts, 0))


def bodies_again(parked: Parked, now_ms: int) -> list[str]:
    """The message bodies that send it again; each event keeps its identity and age. Raises NotRedrivable."""
    if parked.body is None:
        raise NotRedrivable("its body is gone")
    if parked.queue == BOARDS_DEAD_LETTER:
        return [parked.body]
    if parked.queue == REJECTED:
        chosen = _rejected_events(parked, parked.body)
    else:
        try:
            decoded = events.decode(parked.body)
        except (msgspec.DecodeError, RecursionError):
            return [parked.body]
        chosen = list(enumerate(decoded if isinstance(decoded, list) else [decoded]))
    again = [remembered(raw, f"{parked.id}/{index}", parked.received_ms) for index, raw in chosen]
    _check_delay(again, parked.received_ms, now_ms)
    return packed(again)


def remembered(raw: Any, fallback_id: str, received_ms: int) -> Any:
    """An event as it came, with the id and the moment of first receipt that it had then written into it.

    No `time` is added: an event without one is known by (subject, source, id), and gets its time from `receivedAt`.
    """
    if not isinstance(raw, dict):
        return raw
    known = identified(raw, fallback_id)
    known["receivedAt"] = moment_name(min(_claimed(raw), received_ms))
    return known


def identified(raw: dict[str, Any], fallback_id: str) -> dict[str, Any]:
    """An event that brings its id, whatever message carries it: only short forms may come without."""
    if "specversion" in raw:
        return dict(raw)
    if raw.get("event") == forms.AWARD_TYPE:
        try:
            # The form of an award has no place for an id.
            return forms.canonical_json(forms.normalise(raw, fallback_id))
        except RejectedEvent:
            return dict(raw)
    return raw | {"id": fallback_id} if raw.get("id") is None else dict(raw)


def packed(raws: Sequence[Any], most: int = events.MAX_EVENTS_PER_MESSAGE) -> list[str]:
    """Events as message bodies: arrays of at most `most` events and 200 KB; one alone as itself."""
    groups: list[list[bytes]] = []
    size = 0
    for raw in raws:
        text = raw.text.encode() if isinstance(raw, events.Unreadable) else msgspec.json.encode(raw)
        if not groups or len(groups[-1]) == most or size + len(text) > MAX_BODY_BYTES:
            groups.append([])
            size = 0
        groups[-1].append(text)
        size += len(text) + 1
    return [
        (group[0] if len(group) == 1 and group[0][:1] == b"{" else b"[" + b",".join(group) + b"]").decode()
        for group in groups
    ]


def _rejected_events(parked: Parked, body: str) -> list[tuple[int, Any]]:
    """The events of a rejected message that are to go again, with their places in it."""
    if parked.rejections is None:
        raise NotRedrivable("it is no message of events that Laurel rejected")
    try:
        decoded = events.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        decoded = None
    if parked.rejections.whole:
        # An array that was too long may travel in parts.
        chosen = list(enumerate(decoded)) if isinstance(decoded, list) else []
    else:
        chosen = parked.rejections.chosen(decoded if isinstance(decoded, list) else [decoded])
        # One that is no object is rejected again, which keeps it, as long as something else can be applied.
        chosen = chosen if any(isinstance(raw, dict) for _, raw in chosen) else []
    if not chosen:
        raise NotRedrivable("it is no JSON object: nothing in it can be applied")
    return chosen


def _check_delay(raws: Sequence[Any], received_ms: int, now_ms: int) -> None:
    oldest = earliest_receipt(raws, received_ms)
    if now_ms - oldest > events.MAX_DELAY_MS:
        days = events.MAX_DELAY_MS // 86_400_000
        raise NotRedrivable(
            f"it was received on {moment_name(oldest)[:10]}, more than {days} days ago: "
            "whether it was applied can no longer be told"
        )


def earliest_receipt(raws: Sequence[Any], sent_ms: int) -> int:
    """When the first of these events was received, by their own word: those redriven before bring it."""
    return min([sent_ms, *(_claimed(raw) for raw in raws if isinstance(raw, dict))])


def _claimed(raw: dict[str, Any]) -> int:
    """When an event redriven before was first received; far ahead if it does not say."""
    try:
        # Whoever sent it may claim any year.
        return max(0, msgspec.convert(raw["receivedAt"], Instant, dec_hook=decode_moment).ms)
    except (KeyError, msgspec.ValidationError):
        return 10**15


def envelope_of(body: str) -> Envelope | None:
    """A message of the queue `rejected` as an envelope, or None if Laurel did not send it."""
    try:
        return msgspec.json.decode(body, type=Envelope)
    except (msgspec.MsgspecError, RecursionError):
        return None
