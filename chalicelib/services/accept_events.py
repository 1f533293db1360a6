"""Take events in over HTTP: check all of them, then queue all of them, or none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from chalicelib.domain import events, forms
from chalicelib.domain.errors import InvalidRequest, RejectedEvent
from chalicelib.domain.events import MAX_EVENTS_PER_MESSAGE, Delivery, Event
from chalicelib.domain.forms import AWARD_TYPE, MAX_EVENT_BYTES
from chalicelib.domain.payloads import Award
from chalicelib.domain.permissions import AWARDS_GRANT
from chalicelib.services.authenticate import Caller, require
from chalicelib.services.context import Context

QUEUE = "events"
# A message is one worker's unit of retry: 100 KB are some hundred events, and well under SQS's 256 KB.
MAX_MESSAGE_BYTES = 100 * 1024


class Accepted(msgspec.Struct):
    """The queue has all of them: how many, and each one's id, in order."""

    accepted: Annotated[int, Meta(ge=1, le=MAX_EVENTS_PER_MESSAGE)]
    ids: list[str]


@dataclass(frozen=True, slots=True)
class _Refused:
    index: int
    error: RejectedEvent


def accept_events(context: Context, caller: Caller, raws: Sequence[Any]) -> Accepted:
    """Queue raw events of any form; each keeps its id, or gets one.

    Raises InvalidRequest with index and reason of each bad one, Forbidden for an award by a key that may not grant,
    and whatever the queue raises; in the first two cases nothing was queued.
    """
    if not 1 <= len(raws) <= MAX_EVENTS_PER_MESSAGE:
        raise InvalidRequest(
            f"An array holds 1 to {MAX_EVENTS_PER_MESSAGE} events, this one {len(raws)}.",
            code="too_many_events" if raws else "empty_array",
        )
    now_ms = context.now_ms()
    bodies: list[str] = []
    ids: list[str] = []
    refused: list[_Refused] = []
    for index, raw in enumerate(raws):
        try:
            event_id, body = _canonical(context, caller, raw, now_ms)
        except RejectedEvent as error:
            refused.append(_Refused(index, error))
            continue
        ids.append(event_id)
        bodies.append(body)
    if refused:
        raise _invalid(refused, len(raws))
    context.queues.send(QUEUE, list(packed(bodies)))
    return Accepted(len(ids), ids)


def check_award(context: Context, points: int) -> None:
    """Raises RejectedEvent for more points than one award may have."""
    most = context.rules.ruleset.awards.max_points
    if abs(points) > most:
        raise RejectedEvent("award_out_of_range", f"'points' must be from -{most} to {most}.")


def packed(bodies: Sequence[str]) -> Iterator[str]:
    """JSON texts as JSON arrays of at most 100 KB each, in order."""
    pack: list[str] = []
    size = 0
    for body in bodies:
        length = len(body.encode()) + 1
        if pack and size + length > MAX_MESSAGE_BYTES:
            yield f"[{','.join(pack)}]"
            pack, size = [], 0
        pack.append(body)
        size += length
    if pack:
        yield f"[{','.join(pack)}]"


def _canonical(context: Context, caller: Caller, raw: Any, now_ms: int) -> tuple[str, str]:
    """(id, canonical JSON) of one raw event that the worker will accept too."""
    event = forms.normalise(raw, context.new_id())
    # When it was received is the queue's to say, on this way in.
    event.received_at = None
    if event.type == AWARD_TYPE:
        require(caller, AWARDS_GRANT)
        event.data = (event.data or {}) | {"grantedBy": caller.player}
    body = forms.canonical_json(event)
    parsed = events.parse(body, Delivery("", now_ms), context.rules.settings, now_ms)
    _check_award_event(context, parsed)
    text = msgspec.json.encode(body).decode()
    if len(text.encode()) > MAX_EVENT_BYTES:
        raise RejectedEvent("too_large", f"An event has at most {MAX_EVENT_BYTES} bytes.")
    return event.id, text


def _check_award_event(context: Context, event: Event) -> None:
    if isinstance(event.payload, Award):
        check_award(context, event.payload.points)


def _invalid(refused: Sequence[_Refused], total: int) -> InvalidRequest:
    first = refused[0].error
    return InvalidRequest(
        f"{len(refused)} of {total} events cannot be accepted, so none was queued; the first: {first}",
        code="invalid_events",
        events=[{"index": each.index, "reason": each.error.reason, "error": each.error.sentence} for each in refused],
    )
