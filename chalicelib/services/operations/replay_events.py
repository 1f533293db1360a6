"""Send recorded events through a queue, at a pace, telling after every call how far it has come."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

from chalicelib.services.context import Context
from chalicelib.services.events.resend_events import packed

# Small messages spread over workers; ten of them are one call.
EVENTS_PER_MESSAGE = 25
EVENTS_PER_CALL = 250
# At a low rate, a call at least this often.
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
    """Send all events, at most `rate` a second; `sent(n)` hears of n more that the queue has. Returns how many.

    Raises NotSent for what the queue did not take; everything told to `sent` is safe.
    """
    source = iter(events)
    per_call = EVENTS_PER_CALL if rate is None else max(1, min(EVENTS_PER_CALL, int(rate * CALL_EVERY_S)))
    began, total = context.now_ms(), 0
    while part := list(islice(source, per_call)):
        context.queues.send(queue, packed(part, EVENTS_PER_MESSAGE))
        total += len(part)
        sent(len(part))
        if rate is not None:
            ahead_s = total / rate - (context.now_ms() - began) / 1000
            if ahead_s > 0:
                sleep(ahead_s)
    return total
