"""Record rejected messages: for each, write a row with its body, then send an envelope to `rejected`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from chalicelib.domain.core.batches import batched
from chalicelib.domain.core.errors import RejectedEvent
from chalicelib.domain.core.periods import moment_name
from chalicelib.domain.core.queues import REJECTED
from chalicelib.domain.events import event
from chalicelib.domain.events.rejections import Rejection, collect
from chalicelib.gateways.queues import MAX_ENTRIES
from chalicelib.services.context import Context, OutOfTime
from chalicelib.services.events.failed_messages import Envelope, RejectedPart
from chalicelib.services.events.messages import Message, body_hash
from chalicelib.services.events.resend_events import earliest_receipt
from chalicelib.store.events.failed_messages import Failure, set_aside

# A row or an envelope takes some milliseconds. This reserve covers a timeout and a retry.
RESERVE_MS = 8_000
# Ten envelopes of this size fit into one call.
MAX_ENVELOPE_BYTES = 24 * 1024


@dataclass(frozen=True, slots=True)
class Rejected:
    """A message and its rejected events, in order of their indexes."""

    message: Message
    rejections: Sequence[Rejection]


def reject_messages(context: Context, queue: str, rejected: Sequence[Rejected]) -> dict[str, Exception]:
    """Record each message and send its envelope; return id -> error of the messages that must be delivered again.

    Each message is recorded independently. The row is written first: another delivery replaces it.
    """
    outcomes = context.each(lambda each: _record(context, queue, each), rejected)
    failed = {each.message.id: error for each, error in zip(rejected, outcomes, strict=True) if error is not None}
    recorded = [each for each in rejected if each.message.id not in failed]
    calls = list(batched(recorded, MAX_ENTRIES))
    for call, errors in zip(calls, context.each(lambda call: _send(context, queue, call), calls), strict=True):
        failed |= {each.message.id: error for each, error in zip(call, errors, strict=True) if error is not None}
    return failed


def _record(context: Context, queue: str, rejected: Rejected) -> Exception | None:
    if not context.has_time(RESERVE_MS):
        return OutOfTime()
    message, first = rejected.message, rejected.rejections[0]
    try:
        raws = _raws(message.body)
        failure = Failure(
            id=message.id,
            queue=REJECTED,
            reason=first.reason,
            sentence=first.sentence,
            attempts=message.attempts,
            body_hash=body_hash(message.body),
            origin=queue,
            at_ms=context.now_ms(),
            body=message.body,
            received_ms=earliest_receipt(_chosen(rejected, raws), message.sent_ms),
            rejections=collect(rejected.rejections),
        )
        set_aside(context.table, failure)
    except Exception as error:  # noqa: BLE001 - one failure must not stop the others
        return error
    return None


def _send(context: Context, queue: str, call: Sequence[Rejected]) -> Sequence[Exception | None]:
    if not context.has_time(RESERVE_MS):
        return [OutOfTime() for _ in call]
    try:
        return context.queues.send_each(REJECTED, [_envelope(queue, each) for each in call])
    except Exception as error:  # noqa: BLE001 - only these messages are delivered again
        return [error for _ in call]


def _envelope(queue: str, rejected: Rejected) -> str:
    """Return the envelope as JSON: the row, the reason, and as many of the rejected events as fit."""
    message, rejections = rejected.message, rejected.rejections
    raws = _raws(message.body)
    envelope = Envelope(
        id=message.id,
        reason=rejections[0].reason,
        sentence=rejections[0].sentence,
        queue=queue,
        received_at=moment_name(earliest_receipt(_chosen(rejected, raws), message.sent_ms)),
        reasons=collect(rejections).counts(),
    )
    size = len(msgspec.json.encode(envelope))
    for each in rejections:
        raw = message.body if each.index is None else raws[each.index]
        text = raw.text if isinstance(raw, event.Unreadable) else raw
        part = msgspec.json.encode(RejectedPart(each.index, each.reason, each.sentence, text))
        size += len(part) + 1
        if size > MAX_ENVELOPE_BYTES:
            break
        envelope.events.append(msgspec.Raw(part))
    return msgspec.json.encode(envelope).decode()


def _raws(body: str) -> list[Any]:
    try:
        return event.split(body)
    except RejectedEvent:
        return []


def _chosen(rejected: Rejected, raws: list[Any]) -> list[Any]:
    return [raws[each.index] for each in rejected.rejections if each.index is not None]
