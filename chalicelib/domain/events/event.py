"""Events at the boundary: turn raw JSON into an Event, or raise a RejectedEvent with its reason."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

import msgspec

from chalicelib.domain.core.errors import RejectedEvent
from chalicelib.domain.core.json_values import BYTE_ORDER_MARK, MAX_DEPTH, too_deep
from chalicelib.domain.core.moments import Instant
from chalicelib.domain.core.periods import DAY_MS, moment_name
from chalicelib.domain.core.sentences import not_json
from chalicelib.domain.core.settings import RulesetSettings
from chalicelib.domain.events.formats import (
    AWARD_TYPE,
    MAX_WRITTEN_DEPTH,
    CloudEvent,
    award_key,
    digest,
    normalise,
)
from chalicelib.domain.events.payloads import Payload, decode_payload, given

# Log entries live this long after the later of commit and event; deduplication reaches as far back.
LOG_DAYS = 90
MAX_EVENTS_PER_MESSAGE = 500
# Deduplication records live 90 days from receipt; events received longer ago than this are refused before that.
MAX_DELAY_MS = 60 * DAY_MS
# Backfill lowers the age limit to this moment: a bounded number of years bounds the item of active days.
BACKFILL_FROM_MS = 946_684_800_000
# Member of `data` of an award on the internal queue: its points were counted when it was accepted.
RESERVED = "reserved"
# Only Laurel makes these events: HTTP and the public queue refuse them.
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
        "player.hidden",
        "player.imported",
        "player.unhidden",
        "profile.changed",
        "rank.judged",
        "ruleset.applied",
    ]
)


@dataclass(frozen=True, slots=True)
class Delivery:
    """The delivery of an event.

    `received_ms`: when the queue first received it. `own`: on Laurel's internal queue. `index`: its position in the
    message's array.
    """

    message_id: str
    received_ms: int
    index: int = 0
    own: bool = False
    backfill: bool = False


@dataclass(slots=True)
class Event:
    """A valid event.

    `time_ms`: when it happened. `keyed`: its identity does not contain its time, so it has its own deduplication
    record. `identity`, `body`: digests of its identity and of its content. `data`: as sent, without nulls. `given`: the
    members that rules read, without blank ones. `reserved`: an award whose points were counted on its granter's day
    when it was accepted.
    """

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
    given: dict[str, Any] = field(default_factory=dict)
    reserved: bool = False


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An element of an array of events that only JSON's grammar allows, such as half a surrogate pair or 1e400."""

    text: str
    error: str


def split(body: str) -> list[Any]:
    """Return the raw events of a message body: one object, or a JSON array of up to 500.

    Raises RejectedEvent if the body as a whole is not valid.
    """
    try:
        raw = decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise RejectedEvent("not_json", not_json("The body", error)) from error
    if too_deep(raw, MAX_WRITTEN_DEPTH):
        raise RejectedEvent("too_deep", f"An event may nest at most {MAX_DEPTH} levels.")
    if not isinstance(raw, list):
        return [raw]
    if not raw:
        raise RejectedEvent("empty_array", "The array has no events.")
    if len(raw) > MAX_EVENTS_PER_MESSAGE:
        raise RejectedEvent(
            "too_many_events", (f"An array may have at most {MAX_EVENTS_PER_MESSAGE} events; this one has {len(raw)}.")
        )
    return raw


def decode(body: str) -> Any:
    """Decode a message body's JSON. An unreadable element of an array becomes an Unreadable.

    Raises msgspec.DecodeError, UnicodeDecodeError or RecursionError if the body as a whole is not readable.
    """
    body = body.removeprefix(BYTE_ORDER_MARK)
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        elements = _elements(body.strip())
        if elements is None:
            raise
        return elements


def _elements(body: str) -> list[Any] | None:
    """Return the elements of a JSON array, decoded one by one; None if the body is not an array."""
    found: list[Any] = []
    place = 1
    while body[:1] == "[" and place < len(body):
        start = _SPACE.match(body, place).end()  # type: ignore[union-attr]
        try:
            _, end = _LENIENT.raw_decode(body, start)
        except ValueError:
            return None
        try:
            found.append(msgspec.json.decode(body[start:end]))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            found.append(Unreadable(body[start:end], not_json("The event", error)))
        place = _SPACE.match(body, end).end()  # type: ignore[union-attr]
        if body[place:] == "]":
            return found
        if body[place : place + 1] != ",":
            return None
        place += 1
    return None


# Numbers stay text: the decoder only finds the end of an element.
_LENIENT = json.JSONDecoder(parse_int=str, parse_float=str)
_SPACE = re.compile(r"[ \t\r\n]*")


def parse(raw: Any, delivery: Delivery, settings: RulesetSettings, now_ms: int) -> Event:
    """Return a raw event of any form as an Event. Raises RejectedEvent with reason and sentence."""
    if isinstance(raw, Unreadable):
        raise RejectedEvent("not_json", raw.error)
    canonical = normalise(raw, f"{delivery.message_id}/{delivery.index}")
    if canonical.type in OWN_TYPES and not delivery.own:
        raise RejectedEvent("own_type", f"Only Laurel may send events of type '{canonical.type}'.")
    received = delivery.received_ms
    if canonical.received_at is not None:
        received = _received(canonical.received_at, received)
    data = {name: value for name, value in (canonical.data or {}).items() if value is not None}
    readable = given(data)
    reserved = _is_reserved(canonical, delivery)
    keyed = canonical.time is None or bool(award_key(canonical))
    time_ms = received if canonical.time is None else canonical.time.ms
    check_age(time_ms, received, now_ms, settings, backfill=delivery.backfill)
    return Event(
        source=canonical.source,
        id=canonical.id,
        type=canonical.type,
        player=canonical.subject,
        time_ms=time_ms,
        keyed=keyed,
        identity=digest(
            12, canonical.source, canonical.id, "" if keyed else str(time_ms), *_realm(canonical, delivery, reserved)
        ),
        body=digest(6, canonical.type, msgspec.json.encode(data, order="deterministic").decode()),
        payload=decode_payload(canonical.type, readable),
        received_ms=received,
        message_id=delivery.message_id,
        index=delivery.index,
        data=data,
        given=readable,
        reserved=reserved,
    )


def check_age(time_ms: int, received_ms: int, now_ms: int, settings: RulesetSettings, *, backfill: bool) -> None:
    """Check an event's age, which is received_ms - time_ms.

    Raises RejectedEvent for an event too old, too far ahead, or redriven too late.
    """
    if now_ms - received_ms > MAX_DELAY_MS:
        raise RejectedEvent(
            "redriven_too_late", ("The event was received too long ago: whether it was applied is no longer known.")
        )
    if time_ms > received_ms + settings.max_ahead_seconds * 1000:
        raise RejectedEvent("too_far_ahead", f"'time' is more than {settings.max_ahead_seconds} s ahead.")
    oldest = BACKFILL_FROM_MS if backfill else received_ms - settings.max_age_days * DAY_MS
    if time_ms < oldest:
        raise RejectedEvent("too_old", f"'time' is before {moment_name(oldest)}, the oldest accepted time.")


def _is_reserved(event: CloudEvent, delivery: Delivery) -> bool:
    """Return whether an award was accepted over HTTP. On the public queue any sender could claim that."""
    return delivery.own and event.type == AWARD_TYPE and (event.data or {}).get(RESERVED) is True


def _realm(event: CloudEvent, delivery: Delivery, reserved: bool) -> tuple[str, ...]:
    """Return what separates the identities of awards and of Laurel's own events from all others.

    Without it, a sender without their permission could take an identity in advance. An award over HTTP belongs to its
    granter: two granters may use the same key.
    """
    if reserved:
        return ("award", "by", str((event.data or {}).get("grantedBy")))
    if event.type == AWARD_TYPE:
        return ("award",)
    return ("own",) if delivery.own else ()


def _received(claimed: Instant, sent_ms: int) -> int:
    """Return when a redriven event was first received: at most the time it was sent to this queue."""
    return min(claimed.ms, sent_ms)
