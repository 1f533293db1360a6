"""Messages that were set aside: what they say, where they came from, how they travel again.

On `rejected` a message is an envelope around one event that cannot be valid; on `dead_letter` it is the message that
kept failing, as it was sent; on `boards_dead_letter` a board message.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from chalicelib.domain import events, forms
from chalicelib.domain.errors import RejectedEvent
from chalicelib.domain.moments import Instant, Moment, decode_moment
from chalicelib.domain.periods import moment_name
from chalicelib.gateways.queues import Received
from chalicelib.services.context import Context
from chalicelib.services.process_messages import REJECTED
from chalicelib.store.models import FailureItem

BOARDS_DEAD_LETTER = "boards_dead_letter"
UNKNOWN = "unknown"
DEFAULT_ORIGIN = "events"
# Well under SQS's 256 KB, with room for the array around the events.
MAX_BODY_BYTES = 200 * 1024


class Envelope(msgspec.Struct, rename="camel"):
    """A message of the rejected queue."""

    id: str
    reason: str
    sentence: str
    queue: str
    received_at: Moment
    event: Any


class NotRedrivable(Exception):
    """Sending this again cannot help; the message says why."""


@dataclass(frozen=True, slots=True)
class Parked:
    """One message set aside. `body`: as it lies there. `received_ms`: when its first queue had it. `receipt`: its
    handle while it is in flight from its queue, empty if the table holds its body."""

    id: str
    queue: str
    origin: str
    body: str
    received_ms: int
    reason: str
    sentence: str
    attempts: int
    body_hash: str
    group: str = ""
    receipt: str = ""

    @property
    def archived(self) -> bool:
        return not self.receipt


def parked_id(queue: str, message: Received) -> str:
    """The id under which the table keeps a message's reason."""
    envelope = _envelope(message.body) if queue == REJECTED else None
    return envelope.id if envelope else message.id


def from_queue(queue: str, message: Received, row: FailureItem | None) -> Parked:
    """A message in flight, with what the table says of it."""
    envelope = _envelope(message.body) if queue == REJECTED else None
    known_origin = str(row.origin) if row and row.origin else DEFAULT_ORIGIN
    return Parked(
        id=envelope.id if envelope else message.id,
        queue=queue,
        origin=envelope.queue if envelope else message.source or known_origin,
        body=message.body,
        received_ms=_first_received(envelope, message.sent_ms),
        reason=envelope.reason if envelope else str(row.reason) if row else UNKNOWN,
        sentence=envelope.sentence if envelope else str(row.sentence) if row else "",
        attempts=int(row.attempts) if row else message.attempts,
        body_hash=str(row.body_hash) if row else hashlib.sha256(message.body.encode()).hexdigest(),
        group=message.group,
        receipt=message.receipt,
    )


def from_table(row: FailureItem) -> Parked | None:
    """A message whose body was archived, or None if the row is only its reason."""
    if row.body is None:
        return None
    return Parked(
        id=str(row.sk),
        queue=str(row.queue),
        origin=str(row.origin or DEFAULT_ORIGIN),
        body=str(row.body),
        received_ms=int(row.received_at or row.first_at),
        reason=str(row.reason),
        sentence=str(row.sentence),
        attempts=int(row.attempts),
        body_hash=str(row.body_hash),
    )


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
    if parked.queue == BOARDS_DEAD_LETTER:
        return [parked.body]
    if parked.queue == REJECTED:
        raws = _rejected_events(parked)
    else:
        try:
            decoded = events.decode(parked.body)
        except (msgspec.DecodeError, RecursionError):
            return [parked.body]
        raws = decoded if isinstance(decoded, list) else [decoded]
    message_id = parked.id.rpartition("/")[0] if parked.queue == REJECTED else parked.id
    single = parked.queue == REJECTED and len(raws) == 1
    again = []
    for index, raw in enumerate(raws):
        name = parked.id if single else f"{message_id}/{index}"
        again.append(remembered(raw, name, parked.received_ms))
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


def _rejected_events(parked: Parked) -> list[Any]:
    envelope = _envelope(parked.body)
    if envelope is None:
        raise NotRedrivable("it is no message that Laurel rejected")
    if isinstance(envelope.event, dict):
        return [envelope.event]
    try:
        # A body refused as a whole is kept as its text: an array too long may travel in parts.
        body = events.decode(envelope.event if isinstance(envelope.event, str) else "")
    except (msgspec.DecodeError, RecursionError):
        body = None
    if not isinstance(body, list) or not body:
        raise NotRedrivable("it is no JSON object: nothing in it can be applied")
    return body


def _check_delay(raws: Sequence[Any], received_ms: int, now_ms: int) -> None:
    oldest = min([received_ms, *(_claimed(raw) for raw in raws if isinstance(raw, dict))])
    if now_ms - oldest > events.MAX_DELAY_MS:
        days = events.MAX_DELAY_MS // 86_400_000
        raise NotRedrivable(
            f"it was received on {moment_name(oldest)[:10]}, more than {days} days ago: "
            "whether it was applied can no longer be told"
        )


def _claimed(raw: dict[str, Any]) -> int:
    """When an event redriven before was first received; far ahead if it does not say."""
    try:
        # Whoever sent it may claim any year.
        return max(0, msgspec.convert(raw["receivedAt"], Instant, dec_hook=decode_moment).ms)
    except (KeyError, msgspec.ValidationError):
        return 10**15


def _first_received(envelope: Envelope | None, sent_ms: int) -> int:
    if envelope is None:
        return sent_ms
    claimed = _claimed(envelope.event) if isinstance(envelope.event, dict) else sent_ms
    return min(claimed, envelope.received_at.ms, sent_ms)


def _envelope(body: str) -> Envelope | None:
    try:
        return msgspec.json.decode(body, type=Envelope, dec_hook=decode_moment)
    except (msgspec.MsgspecError, RecursionError):
        return None
