"""Send recorded events through a queue at a given rate, with progress after every call."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from chalicelib.domain.core.batches import batched
from chalicelib.services.context import Context
from chalicelib.services.events.resend_events import packed

# Small messages spread over workers. Ten of them are one call.
EVENTS_PER_MESSAGE = 25
EVENTS_PER_CALL = 250
# The interval of calls at a low rate.
CALL_EVERY_S = 0.5


def replay_events(
    context: Context,
    queue: str,
    events: Iterable[dict[str, Any]],
    sent: Callable[[int], None],
    *,
    rate: float | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Send all events, at most `rate` per second, and return their number. `sent(n)`: called when the queue has n more.

    Raises NotSent if the queue did not accept a call. All events reported to `sent` are in the queue.
    """
    per_call = EVENTS_PER_CALL if rate is None else max(1, min(EVENTS_PER_CALL, int(rate * CALL_EVERY_S)))
    began, total = context.now_ms(), 0
    for part in batched(events, per_call):
        context.queues.send(queue, packed(part, EVENTS_PER_MESSAGE))
        total += len(part)
        sent(len(part))
        if rate is not None:
            ahead_s = total / rate - (context.now_ms() - began) / 1000
            if ahead_s > 0:
                sleep(ahead_s)
    return total
