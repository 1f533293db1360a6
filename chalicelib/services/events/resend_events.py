"""How set-aside messages travel again: each event keeps the identity and the age that it had."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from chalicelib.domain.core.errors import RejectedEvent
from chalicelib.domain.core.moments import Instant, decode_moment
from chalicelib.domain.core.periods import moment_name
from chalicelib.domain.core.queues import BOARDS_DEAD_LETTER, REJECTED
from chalicelib.domain.events import event, formats
from chalicelib.services.events.failed_messages import Parked

# Well under SQS's 256 KB, with room for the array around the events.
MAX_BODY_BYTES = 200 * 1024


class NotRedrivable(Exception):
    """Sending this again cannot help; the message says why."""


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
            decoded = event.decode(parked.body)
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
    if raw.get("event") == formats.AWARD_TYPE:
        try:
            # The form of an award has no place for an id.
            return formats.canonical_json(formats.normalise(raw, fallback_id))
        except RejectedEvent:
            return dict(raw)
    return raw | {"id": fallback_id} if raw.get("id") in (None, "") else dict(raw)


def packed(raws: Sequence[Any], most: int = event.MAX_EVENTS_PER_MESSAGE) -> list[str]:
    """Events as message bodies: arrays of at most `most` events and 200 KB; one alone as itself."""
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


def _rejected_events(parked: Parked, body: str) -> list[tuple[int, Any]]:
    """The events of a rejected message that are to go again, with their places in it."""
    if parked.rejections is None:
        raise NotRedrivable("it is no message of events that Laurel rejected")
    try:
        decoded = event.decode(body)
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
    if now_ms - oldest > event.MAX_DELAY_MS:
        days = event.MAX_DELAY_MS // 86_400_000
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
