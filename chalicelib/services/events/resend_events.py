"""Bodies for resending failed messages. Each event keeps its identity and its age."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from chalicelib.domain.core.errors import RejectedEvent
from chalicelib.domain.core.moments import Instant, decode_moment
from chalicelib.domain.core.periods import moment_name
from chalicelib.domain.core.queues import BOARDS_DEAD_LETTER, REJECTED
from chalicelib.domain.events import event, formats
from chalicelib.services.events.failed_messages import FailedMessage

# Well under SQS's 256 KB, with room for the array around the events.
MAX_BODY_BYTES = 200 * 1024


class NotRedrivable(Exception):
    """Resending a message is useless. The text of the exception says why."""


def bodies_again(failed: FailedMessage, now_ms: int) -> list[str]:
    """Return the message bodies to resend. Each event keeps its identity and age. Raises NotRedrivable."""
    if failed.body is None:
        raise NotRedrivable("its body is no longer stored")
    if failed.queue == BOARDS_DEAD_LETTER:
        return [failed.body]
    if failed.queue == REJECTED:
        chosen = _rejected_events(failed, failed.body)
    else:
        try:
            decoded = event.decode(failed.body)
        except (msgspec.DecodeError, RecursionError):
            return [failed.body]
        chosen = list(enumerate(decoded if isinstance(decoded, list) else [decoded]))
    again = [remembered(raw, f"{failed.id}/{index}", failed.received_ms) for index, raw in chosen]
    _check_delay(again, failed.received_ms, now_ms)
    return packed(again)


def remembered(raw: Any, fallback_id: str, received_ms: int) -> Any:
    """Return an event with its original id and its first time of receipt written into it.

    No `time` is added: an event without one is identified by (subject, source, id) and `receivedAt` is its time.
    """
    if not isinstance(raw, dict):
        return raw
    known = identified(raw, fallback_id)
    known["receivedAt"] = moment_name(min(_first_receipt(raw), received_ms))
    return known


def identified(raw: dict[str, Any], fallback_id: str) -> dict[str, Any]:
    """Return an event that contains its id, so that any message can carry it. Only short forms may lack an id."""
    if "specversion" in raw:
        return dict(raw)
    if raw.get("event") == formats.AWARD_TYPE:
        try:
            # The short form of an award has no member for an id.
            return formats.canonical_json(formats.normalise(raw, fallback_id))
        except RejectedEvent:
            return dict(raw)
    return raw | {"id": fallback_id} if raw.get("id") in (None, "") else dict(raw)


def packed(raws: Sequence[Any], most: int = event.MAX_EVENTS_PER_MESSAGE) -> list[str]:
    """Return events as message bodies: arrays of at most `most` events and 200 KB, or one event without an array."""
    groups: list[list[bytes]] = []
    size = 0
    for raw in raws:
        text = raw.text.encode() if isinstance(raw, event.Unreadable) else msgspec.json.encode(raw)
        if not groups or len(groups[-1]) == most or size + len(text) > MAX_BODY_BYTES:
            groups.append([])
            size = 0
        groups[-1].append(text)
        size += len(text) + 1
    return [
        (group[0] if len(group) == 1 and group[0][:1] == b"{" else b"[" + b",".join(group) + b"]").decode()
        for group in groups
    ]


def _rejected_events(failed: FailedMessage, body: str) -> list[tuple[int, Any]]:
    """Return the events of a rejected message to resend, with their indexes."""
    if failed.rejections is None:
        raise NotRedrivable("it is not a rejected message of events")
    try:
        decoded = event.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        decoded = None
    if failed.rejections.whole:
        # An array that was too long can be resent in parts.
        chosen = list(enumerate(decoded)) if isinstance(decoded, list) else []
    else:
        chosen = failed.rejections.chosen(decoded if isinstance(decoded, list) else [decoded])
        # Values that are no objects are rejected again, and so recorded, if another event can be applied.
        chosen = chosen if any(isinstance(raw, dict) for _, raw in chosen) else []
    if not chosen:
        raise NotRedrivable("it is not a JSON object, so nothing in it can be applied")
    return chosen


def _check_delay(raws: Sequence[Any], received_ms: int, now_ms: int) -> None:
    oldest = earliest_receipt(raws, received_ms)
    if now_ms - oldest > event.MAX_DELAY_MS:
        days = event.MAX_DELAY_MS // 86_400_000
        raise NotRedrivable(
            f"it was received on {moment_name(oldest)[:10]}, more than {days} days ago: whether it was applied "
            "is no longer known"
        )


def earliest_receipt(raws: Sequence[Any], sent_ms: int) -> int:
    """Return when the first of these events was received. Events that were redriven before contain the time."""
    return min([sent_ms, *(_first_receipt(raw) for raw in raws if isinstance(raw, dict))])


def _first_receipt(raw: dict[str, Any]) -> int:
    """Return when an event that was redriven before was first received; a time far ahead if it has none."""
    try:
        # The sender may claim any year.
        return max(0, msgspec.convert(raw["receivedAt"], Instant, dec_hook=decode_moment).ms)
    except (KeyError, msgspec.ValidationError):
        return 10**15
