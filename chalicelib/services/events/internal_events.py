"""Events that Laurel creates on request. They go to its own queue first, so that a later failure loses none."""

from __future__ import annotations

from typing import Any

import msgspec

from chalicelib.domain.core.periods import moment_name
from chalicelib.domain.core.queues import OWN
from chalicelib.domain.events.event import Delivery, Event, parse
from chalicelib.services.context import Context


def queue_event(context: Context, type_: str, source: str, player: str, data: dict[str, Any]) -> Event:
    """Queue an event with the current time; return it as the worker will parse it. Raises NotSent."""
    now_ms = context.now_ms()
    raw = {
        "specversion": "1.0",
        "id": context.new_id(),
        "source": source,
        "type": type_,
        "subject": player,
        "time": moment_name(now_ms),
        "data": data,
    }
    event = parse(raw, Delivery("", now_ms, own=True), context.rules.settings, now_ms)
    context.queues.send(OWN, [msgspec.json.encode(raw).decode()])
    return event
