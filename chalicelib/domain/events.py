"""Events at the boundary: three forms in, one Event out, or a RejectedEvent with its reason."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from chalicelib.domain.errors import RejectedEvent
from chalicelib.domain.payloads import Payload, decode_payload
from chalicelib.domain.periods import DAY_MS, moment_name
from chalicelib.domain.ruleset import Settings

MAX_EVENT_BYTES = 16 * 1024
# What a redrive writes into an event (id, receivedAt, the canonical form's members) must not make it too large.
REDRIVE_BYTES = 512
MAX_EVENTS_PER_MESSAGE = 500
MAX_DEPTH = 20
# What nests deeper than this is set aside as text: near the interpreter's own limit it could be read, but not written.
MAX_WRITTEN_DEPTH = 4 * MAX_DEPTH
# Dedupe records live 90 days from receipt; what was received longer ago than this is refused before they go.
MAX_DELAY_MS = 60 * DAY_MS
# Backfill lifts the age limit down to here: bounded years bound the item of active days.
BACKFILL_FROM_MS = 946_684_800_000
GATEWAY_SOURCE, AWARDS_SOURCE = "gateway", "awards"
AWARD_TYPE = "award"
# Made by Laurel alone: refused over HTTP and on the public queue.
OWN_TYPES = frozenset(
    [
        "transfer.sent",
        "transfer.received",
        "referral.redeemed",
        "badge.earned",
        "badge.granted",
        "badge.revoked",
        "streak.milestone",
        "streak.updated",
        "level.up",
        "leaderboard.rotated",
        "player.created",
    ]
)

# `$` alone would let a line feed follow.
Printable = Annotated[str, Meta(min_length=1, max_length=128)]
PlayerId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._:@-]{1,128}$(?!\n)")]
Moment = Annotated[datetime, Meta(tz=True)]


class CloudEvent(msgspec.Struct):
    """The canonical form: CloudEvents 1.0, structured JSON."""

    specversion: str
    id: Printable
    source: Printable
    type: Annotated[str, Meta(min_length=1, max_length=64)]
    subject: PlayerId
    time: Moment | None = None
    data: dict[str, Any] | None = None
    received_at: Moment | None = msgspec.field(default=None, name="receivedAt")


class GatewayEvent(msgspec.Struct):
    """The short form of an LLM gateway."""

    type: Annotated[str, Meta(min_length=1, max_length=64)]
    api_key_id: PlayerId = msgspec.field(name="apiKeyId")
    metadata: dict[str, Any] | None = None
    id: Printable | None = None
    time: Moment | None = None
    source: Printable | None = None
    received_at: Moment | None = msgspec.field(default=None, name="receivedAt")


class AwardProperties(msgspec.Struct):
    username: PlayerId
    points: Annotated[int, Meta(ge=-(10**12), le=10**12)]
    reason: Annotated[str, Meta(min_length=1, max_length=200)]
    granted_by: Printable | None = msgspec.field(default=None, name="grantedBy")
    key: Printable | None = None
    public: bool | None = None


class AwardEvent(msgspec.Struct):
    """The short form of a telemetry scoring service."""

    event: str
    properties: AwardProperties
    distinct_id: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
    timestamp: Moment | None = None
    source: Printable | None = None
    received_at: Moment | None = msgspec.field(default=None, name="receivedAt")


@dataclass(frozen=True, slots=True)
class Delivery:
    """How an event reached us. `received_ms`: when the queue first had it. `own`: on Laurel's own queue."""

    message_id: str
    received_ms: int
    index: int = 0
    own: bool = False
    backfill: bool = False


@dataclass(slots=True)
class Event:
    """One valid event. `time_ms` is when it happened; `keyed`: its identity is without time, so it has a dedupe
    record of its own; `identity`, `body`: digests of who it is and of what it says."""

    source: str
    id: str
    type: str
    player: str
    time_ms: int
    keyed: bool
    identity: str
    body: str
    payload: Payload
    received_ms: int
    message_id: str
    index: int = 0
    data: dict[str, Any] = field(default_factory=dict)


def split(body: str | bytes) -> list[Any]:
    """The raw events of a message body: one, or a JSON array of up to 500. Raises RejectedEvent for the whole."""
    try:
        raw = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise RejectedEvent("not_json", f"the body is not JSON: {error}") from error
    if too_deep(raw, MAX_WRITTEN_DEPTH):
        raise RejectedEvent("too_deep", f"an event nests at most {MAX_DEPTH} levels")
    if not isinstance(raw, list):
        return [raw]
    if not raw:
        raise RejectedEvent("empty_array", "the array holds no event")
    if len(raw) > MAX_EVENTS_PER_MESSAGE:
        raise RejectedEvent(
            "too_many_events", f"an array holds at most {MAX_EVENTS_PER_MESSAGE} events, this one {len(raw)}"
        )
    return raw


def parse(raw: Any, delivery: Delivery, settings: Settings, now_ms: int) -> Event:
    """A raw event of any form as an Event. Raises RejectedEvent with reason and sentence."""
    canonical = normalise(raw, f"{delivery.message_id}/{delivery.index}")
    if canonical.type in OWN_TYPES and not delivery.own:
        raise RejectedEvent("own_type", f"events of type '{canonical.type}' are made by Laurel alone")
    received = delivery.received_ms
    if canonical.received_at is not None:
        received = _received(canonical.received_at, received)
    data = {name: value for name, value in (canonical.data or {}).items() if value is not None}
    keyed = canonical.time is None or _has_award_key(canonical)
    time_ms = received if canonical.time is None else to_ms(canonical.time)
    check_age(time_ms, received, now_ms, settings, backfill=delivery.backfill)
    return Event(
        source=canonical.source,
        id=canonical.id,
        type=canonical.type,
        player=canonical.subject,
        time_ms=time_ms,
        keyed=keyed,
        identity=_digest(12, canonical.source, canonical.id, "" if keyed else str(time_ms)),
        body=_digest(6, canonical.type, msgspec.json.encode(data, order="deterministic").decode()),
        payload=decode_payload(canonical.type, data),
        received_ms=received,
        message_id=delivery.message_id,
        index=delivery.index,
        data=data,
    )


def normalise(raw: Any, fallback_id: str) -> CloudEvent:
    """Any accepted form as a CloudEvent; `fallback_id` names an event that brings no id of its own."""
    if not isinstance(raw, dict):
        raise RejectedEvent("not_an_event", "an event is a JSON object")
    if too_deep(raw):
        raise RejectedEvent("too_deep", f"an event nests at most {MAX_DEPTH} levels")
    if len(msgspec.json.encode(raw)) > MAX_EVENT_BYTES + (REDRIVE_BYTES if "receivedAt" in raw else 0):
        raise RejectedEvent("too_large", f"an event has at most {MAX_EVENT_BYTES} bytes")
    try:
        if "specversion" in raw:
            canonical = msgspec.convert(raw, CloudEvent)
            if canonical.specversion != "1.0":
                raise RejectedEvent("invalid_event", "'specversion' must be \"1.0\"")
            if canonical.type == AWARD_TYPE:
                canonical = _award_identity(canonical)
        elif raw.get("event") == AWARD_TYPE:
            canonical = _from_award(msgspec.convert(raw, AwardEvent), fallback_id)
        elif "apiKeyId" in raw:
            canonical = _from_gateway(msgspec.convert(raw, GatewayEvent), fallback_id)
        else:
            raise RejectedEvent(
                "not_an_event",
                "neither a CloudEvent (specversion), a gateway event (apiKeyId) nor an award (event)",
            )
    except msgspec.ValidationError as error:
        raise RejectedEvent("invalid_event", readable(error)) from error
    for name, text in (("id", canonical.id), ("source", canonical.source), ("type", canonical.type)):
        if not text.isprintable():
            raise RejectedEvent("invalid_event", f"'{name}' must be printable characters")
    return canonical


def canonical_json(event: CloudEvent) -> dict[str, Any]:
    """The event as JSON-ready builtins, absent members left out."""
    built = msgspec.to_builtins(event)
    return {name: value for name, value in built.items() if value is not None}


def check_age(time_ms: int, received_ms: int, now_ms: int, settings: Settings, *, backfill: bool) -> None:
    """Age is receivedAt - time. Raises RejectedEvent for an event too old, too far ahead, or redriven too late."""
    if now_ms - received_ms > MAX_DELAY_MS:
        raise RejectedEvent("redriven_too_late", "received too long ago to tell whether it was applied")
    if time_ms > received_ms + settings.max_ahead_seconds * 1000:
        raise RejectedEvent("too_far_ahead", f"'time' is more than {settings.max_ahead_seconds} s ahead")
    oldest = BACKFILL_FROM_MS if backfill else received_ms - settings.max_age_days * DAY_MS
    if time_ms < oldest:
        raise RejectedEvent("too_old", f"'time' is before {moment_name(oldest)}, the oldest accepted")


def to_ms(moment: datetime) -> int:
    """Milliseconds since 1970, rounded down."""
    delta = moment - _EPOCH
    return delta.days * DAY_MS + delta.seconds * 1000 + delta.microseconds // 1000


def readable(error: msgspec.ValidationError) -> str:
    """A validation error as one sentence that begins with the field."""
    reason, _, path = str(error).partition(" - at `$")
    name = path.rstrip("`").lstrip(".")
    return f"'{name}': {reason}" if name else reason


def too_deep(value: Any, limit: int = MAX_DEPTH) -> bool:
    """True if containers nest deeper than `limit`."""
    if not isinstance(value, dict | list):
        return False
    if limit == 0:
        return True
    parts: Iterator[Any] = iter(value.values() if isinstance(value, dict) else value)
    return any(too_deep(part, limit - 1) for part in parts)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _from_gateway(event: GatewayEvent, fallback_id: str) -> CloudEvent:
    return CloudEvent(
        specversion="1.0",
        id=event.id or fallback_id,
        source=event.source or GATEWAY_SOURCE,
        type=event.type,
        subject=event.api_key_id,
        time=event.time,
        data=event.metadata,
        received_at=event.received_at,
    )


def _from_award(event: AwardEvent, fallback_id: str) -> CloudEvent:
    properties = event.properties
    data = {"points": properties.points, "reason": properties.reason}
    extra = {
        "grantedBy": properties.granted_by,
        "key": properties.key,
        "distinctId": event.distinct_id,
        "public": properties.public,
    }
    data.update({name: value for name, value in extra.items() if value is not None})
    canonical = CloudEvent(
        specversion="1.0",
        id=fallback_id,
        source=event.source or AWARDS_SOURCE,
        type=AWARD_TYPE,
        subject=properties.username,
        time=event.timestamp,
        data=data,
        received_at=event.received_at,
    )
    return _award_identity(canonical)


def _award_identity(event: CloudEvent) -> CloudEvent:
    """An award is known by its key, else by reason + timestamp; with neither, by the event's own id."""
    data = event.data or {}
    key, reason = data.get("key"), data.get("reason")
    if isinstance(key, str) and key:
        event.id = key
    elif event.time is not None and isinstance(reason, str):
        event.id = "reason:" + _digest(12, reason)
    return event


def _has_award_key(event: CloudEvent) -> bool:
    return event.type == AWARD_TYPE and bool((event.data or {}).get("key"))


def _received(claimed: datetime, sent_ms: int) -> int:
    """A redriven event brings when it was first received: never later than now, never before what dedupe covers."""
    return min(to_ms(claimed), sent_ms)


def _digest(size: int, *parts: str) -> str:
    text = "\0".join(parts).encode("utf-8", "surrogatepass")
    return urlsafe_b64encode(hashlib.blake2b(text, digest_size=size).digest()).decode()
