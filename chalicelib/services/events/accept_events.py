"""Accept events over HTTP: check all of them, then queue all or none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from chalicelib.domain.core.errors import InvalidRequest, RejectedEvent
from chalicelib.domain.core.moments import Instant
from chalicelib.domain.core.periods import DAY_MS
from chalicelib.domain.events import event as events
from chalicelib.domain.events import formats
from chalicelib.domain.events.event import MAX_EVENTS_PER_MESSAGE, RESERVED, Delivery
from chalicelib.domain.events.formats import AWARD_TYPE, MAX_EVENT_BYTES, CloudEvent
from chalicelib.domain.events.payloads import Award, points_sentence
from chalicelib.domain.identity.permissions import AWARDS_GRANT
from chalicelib.services.context import Context
from chalicelib.services.events.reserve_awards import AwardAsked, reserve_awards
from chalicelib.services.identity.authenticate import Caller, require

QUEUE, AWARDS_QUEUE = "events", "own"
# A message is a worker's unit of retry. 100 KB hold some hundred events and are well under SQS's 256 KB.
MAX_MESSAGE_BYTES = 100 * 1024
# After this time no queue still holds the first message of an award: it was applied or recorded as failed.
QUEUED_AGAIN_MS = 14 * DAY_MS


class Accepted(msgspec.Struct):
    """Events that the queue accepted: their number, and their ids in the order of the request."""

    accepted: Annotated[int, Meta(ge=1, le=MAX_EVENTS_PER_MESSAGE)]
    ids: list[str]


@dataclass(frozen=True, slots=True)
class Taken:
    """The accepted events. `replayed`: all of them are awards that were accepted before."""

    accepted: Accepted
    replayed: bool


@dataclass(frozen=True, slots=True)
class _Refused:
    index: int
    error: RejectedEvent


@dataclass(frozen=True, slots=True)
class _Checked:
    """An event that the worker will accept. `award`: its reservation request, if it is an award."""

    event: CloudEvent
    award: AwardAsked | None


def accept_events(context: Context, caller: Caller, raws: Sequence[Any]) -> Taken:
    """Queue raw events of any form; each keeps its id or gets one.

    Awards are reserved first, so that the worker applies every accepted award. Raises InvalidRequest with the index and
    reason of each invalid event, Forbidden for an award if the key lacks the permission, and the errors of
    `reserve_awards` and of the queue. In all cases but the last nothing was queued.
    """
    if not 1 <= len(raws) <= MAX_EVENTS_PER_MESSAGE:
        raise InvalidRequest(
            f"An array must have 1 to {MAX_EVENTS_PER_MESSAGE} events; this one has {len(raws)}.",
            code="too_many_events" if raws else "empty_array",
        )
    now_ms = context.now_ms()
    checked: list[_Checked] = []
    refused: list[_Refused] = []
    for index, raw in enumerate(raws):
        try:
            checked.append(_check(context, caller, raw, now_ms))
        except RejectedEvent as error:
            refused.append(_Refused(index, error))
    if refused:
        raise _invalid(refused, len(raws))
    replayed = _queue_awards(context, caller, [each for each in checked if each.award])
    others = [_text(each.event) for each in checked if not each.award]
    if others:
        context.queues.send(QUEUE, list(packed(others)))
    return Taken(Accepted(len(checked), [each.event.id for each in checked]), replayed and not others)


def send_events(context: Context, caller: Caller, request: Any) -> Accepted:
    """Queue one raw event or an array of them. Raises the errors of `accept_events`."""
    return accept_events(context, caller, request if isinstance(request, list) else [request]).accepted


def check_points(context: Context, points: int) -> None:
    """Raise RejectedEvent for points outside the ruleset's bounds."""
    most = context.rules.ruleset.awards.max_points
    if not 0 < abs(points) <= most:
        raise RejectedEvent("award_out_of_range", points_sentence(most))


def packed(bodies: Sequence[str]) -> Iterator[str]:
    """Yield JSON texts, in order, as JSON arrays of at most 100 KB each."""
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


def _check(context: Context, caller: Caller, raw: Any, now_ms: int) -> _Checked:
    """Return a raw event in the canonical form. Raises RejectedEvent if the worker would reject it."""
    event = formats.normalise(raw, context.new_id())
    # Over HTTP, the queue sets the time of receipt.
    event.received_at = None
    award = None
    if event.type == AWARD_TYPE:
        require(caller, AWARDS_GRANT)
        event.data = (event.data or {}) | {"grantedBy": caller.player}
    parsed = events.parse(formats.canonical_json(event), Delivery("", now_ms), context.rules.settings, now_ms)
    if isinstance(parsed.payload, Award):
        check_points(context, parsed.payload.points)
        award = _request_of(event, parsed.payload)
    if len(_text(event).encode()) > MAX_EVENT_BYTES:
        raise RejectedEvent("too_large", f"An event may have at most {MAX_EVENT_BYTES} bytes.")
    return _Checked(event, award)


def _request_of(event: CloudEvent, award: Award) -> AwardAsked:
    """Return the reservation request of an award, under its key, else under the identity that the worker would use."""
    time_ms = event.time.ms if event.time else None
    data = {name: value for name, value in (event.data or {}).items() if value is not None}
    content = {name: value for name, value in data.items() if name not in ("grantedBy", RESERVED)}
    members = {
        "player": event.subject,
        "source": event.source,
        "time": time_ms,
        "data": content | {"public": award.public},
    }
    # A key from a request contains no NUL.
    identity = award.key or "\0".join(("award", event.subject, event.source, event.id, str(time_ms)))
    return AwardAsked(identity, event.id, award.points, members)


def _queue_awards(context: Context, caller: Caller, awards: Sequence[_Checked]) -> bool:
    """Reserve awards, then queue them. Return whether all were reserved before.

    Awards that were reserved before are queued again: the process of the first request may have died in between. The
    worker detects the duplicates.
    """
    if not awards:
        return True
    reserved = reserve_awards(context, caller, [each.award for each in awards if each.award])
    bodies = []
    for each, known in zip(awards, reserved, strict=True):
        if context.now_ms() - known.at_ms <= QUEUED_AGAIN_MS:
            each.event.data = (each.event.data or {}) | {RESERVED: True}
            each.event.received_at = Instant(known.at_ms)
            bodies.append(_text(each.event))
    if bodies:
        context.queues.send(AWARDS_QUEUE, list(packed(bodies)))
    return all(known.replayed for known in reserved)


def _text(event: CloudEvent) -> str:
    return msgspec.json.encode(formats.canonical_json(event)).decode()


def _invalid(refused: Sequence[_Refused], total: int) -> InvalidRequest:
    first = refused[0].error
    return InvalidRequest(
        f"No event was queued, because {len(refused)} of {total} cannot be accepted; the first error: {first}",
        code="invalid_events",
        events=[{"index": each.index, "reason": each.error.reason, "error": each.error.sentence} for each in refused],
    )
