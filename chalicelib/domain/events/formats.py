"""The three accepted forms of an event, and their conversion to the canonical form."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from chalicelib.domain.core.decoding_errors import fault
from chalicelib.domain.core.errors import RejectedEvent
from chalicelib.domain.core.json_values import MAX_DEPTH, too_deep, whole_numbers
from chalicelib.domain.core.moments import Moment, decode_moment, moment_text
from chalicelib.domain.identity.names import NO_PLAYERS, is_player_id

MAX_EVENT_BYTES = 16 * 1024
# A redrive adds members (id, receivedAt, those of the canonical form), which must not make the event too large.
REDRIVE_BYTES = 512
# Events that nest deeper than this are stored as text: near the interpreter's own limit they can be read but not
# written.
MAX_WRITTEN_DEPTH = 4 * MAX_DEPTH
GATEWAY_SOURCE, AWARDS_SOURCE = "gateway", "awards"
AWARD_TYPE = "award"
# `$` alone would allow a trailing line feed.
Printable = Annotated[str, Meta(min_length=1, max_length=128)]
PlayerId = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9._:@-]{1,128}\Z",
        description=f"A player's id. Not allowed: {', '.join(f'`{name}`' for name in NO_PLAYERS)}.",
        extra_json_schema={"not": {"enum": list(NO_PLAYERS)}},
    ),
]


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


class GatewayEvent(msgspec.Struct, forbid_unknown_fields=True):
    """The short form of an LLM gateway. It allows only these members; `metadata` may hold any."""

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
    """The short form of a telemetry scoring service.

    `properties.username` is the player. `distinct_id` is stored with the award and not used otherwise.
    """

    event: str
    properties: AwardProperties
    distinct_id: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
    timestamp: Moment | None = None
    source: Printable | None = None
    received_at: Moment | None = msgspec.field(default=None, name="receivedAt")


def normalise(raw: Any, fallback_id: str) -> CloudEvent:
    """Convert an event of any accepted form to a CloudEvent. Raises RejectedEvent.

    `fallback_id`: the id of an event without an id of its own.
    """
    if not isinstance(raw, dict):
        raise RejectedEvent("not_an_event", "An event must be a JSON object.")
    if too_deep(raw):
        raise RejectedEvent("too_deep", f"An event may nest at most {MAX_DEPTH} levels.")
    if len(msgspec.json.encode(raw)) > MAX_EVENT_BYTES + (REDRIVE_BYTES if "receivedAt" in raw else 0):
        raise RejectedEvent("too_large", f"An event may have at most {MAX_EVENT_BYTES} bytes.")
    kind = _form_of(raw)
    try:
        form = msgspec.convert(whole_numbers(_given(raw, kind)), kind, dec_hook=decode_moment)
    except msgspec.ValidationError as error:
        raise RejectedEvent("invalid_event", fault(error, kind, whole="An event").sentence) from error
    canonical = _canonical(form, fallback_id)
    if canonical.type == AWARD_TYPE:
        canonical = _award_identity(canonical)
    for name, text in (("id", canonical.id), ("source", canonical.source), ("type", canonical.type)):
        if not text.isprintable():
            raise RejectedEvent("invalid_event", f"'{name}' must be printable characters.")
    if not is_player_id(canonical.subject):
        raise RejectedEvent("invalid_event", f"'{canonical.subject}' cannot be a player's id.")
    return canonical


def _form_of(raw: dict[str, Any]) -> type[CloudEvent | GatewayEvent | AwardEvent]:
    """Return the form of an event, by the member that only this form has.

    Raises RejectedEvent if no form or several forms match.
    """
    forms: dict[str, type[CloudEvent | GatewayEvent | AwardEvent]] = {}
    if "specversion" in raw:
        forms["specversion"] = CloudEvent
    if "apiKeyId" in raw:
        forms["apiKeyId"] = GatewayEvent
    if raw.get("event") == AWARD_TYPE and ("properties" in raw or not forms):
        forms["event"] = AwardEvent
    if len(forms) > 1:
        named = " and ".join(f"'{name}'" for name in forms)
        raise RejectedEvent("ambiguous_form", f"The event mixes two formats, with {named}; use one of them.")
    if not forms:
        raise RejectedEvent(
            "not_an_event",
            ("The event is neither a CloudEvent ('specversion'), a gateway event ('apiKeyId') nor an award ('event')."),
        )
    return next(iter(forms.values()))


def _canonical(form: CloudEvent | GatewayEvent | AwardEvent, fallback_id: str) -> CloudEvent:
    if isinstance(form, GatewayEvent):
        return _from_gateway(form, fallback_id)
    if isinstance(form, AwardEvent):
        return _from_award(form, fallback_id)
    if form.specversion != "1.0":
        raise RejectedEvent("invalid_event", "'specversion' must be '1.0'.")
    return form


def canonical_json(event: CloudEvent) -> dict[str, Any]:
    """Return the event as JSON-ready builtins, without absent members."""
    built = msgspec.to_builtins(event, enc_hook=moment_text)
    return {name: value for name, value in built.items() if value is not None}


# Optional members besides `data`: an empty one counts as absent.
_MAY_BE_EMPTY: dict[type, frozenset[str]] = {
    CloudEvent: frozenset(["time", "receivedAt"]),
    GatewayEvent: frozenset(["id", "source", "time", "receivedAt"]),
    AwardEvent: frozenset(["distinct_id", "timestamp", "source", "receivedAt"]),
    AwardProperties: frozenset(["grantedBy", "key"]),
}


def _given(raw: dict[str, Any], kind: type) -> dict[str, Any]:
    """Return the event without empty optional members."""
    may_be_empty = _MAY_BE_EMPTY[kind]
    present = {name: value for name, value in raw.items() if value != "" or name not in may_be_empty}
    if kind is AwardEvent and isinstance(present.get("properties"), dict):
        present["properties"] = _given(present["properties"], AwardProperties)
    return present


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
    return CloudEvent(
        specversion="1.0",
        id=fallback_id,
        source=event.source or AWARDS_SOURCE,
        type=AWARD_TYPE,
        subject=properties.username,
        time=event.timestamp,
        data=data,
        received_at=event.received_at,
    )


def _award_identity(event: CloudEvent) -> CloudEvent:
    """Set the id of an award: its key, else reason and timestamp; with neither, the event's own id."""
    reason = (event.data or {}).get("reason")
    key = award_key(event)
    if key:
        event.id = key
    elif event.time is not None and isinstance(reason, str):
        event.id = "reason:" + digest(12, reason)
    return event


def award_key(event: CloudEvent) -> str:
    """Return the key that identifies an award, or ''."""
    key = (event.data or {}).get("key") if event.type == AWARD_TYPE else None
    return key if isinstance(key, str) and key.strip() else ""


def digest(size: int, *parts: str) -> str:
    text = "\0".join(parts).encode("utf-8", "surrogatepass")
    return urlsafe_b64encode(hashlib.blake2b(text, digest_size=size).digest()).decode()
