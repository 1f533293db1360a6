"""Whether a period may be frozen: events that were received before its bound must have been applied first.

The bound of a period is its end plus the grace: what a queue received later is late. Looks at the source queues tell
whether messages from before the bound may still wait. Two looks, a minute apart, must find none: the numbers of
SQS are up to a minute old, and a standard queue keeps no order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.domain.core.periods import DAY_MS, MINUTE_MS, minute_of

# How far back a look at what was received goes. Two looks a minute apart cover the six minutes for which a message is
# hidden after its worker died.
LOOK_BACK_MS = 5 * MINUTE_MS
# The numbers of SQS are at most about so old: the second look shows the queues as they were after the first.
APART_MS = MINUTE_MS
# A backlog that takes longer has had an alarm for hours, and players wait for their ranks.
CAP_MS = 6 * 60 * MINUTE_MS


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one look at a source queue showed. `messages`: waiting, in flight and delayed. `least_ms`: when the oldest
    message was sent that workers received lately; None if they received none."""

    queue: str
    messages: int
    least_ms: int | None


@dataclass(frozen=True, slots=True)
class Watch:
    """What the looks so far have shown. `clear_since_ms`: the end of the first look since which every look was clear.
    `confirmed`: one of them came a minute later, and no more looks are needed."""

    clear_since_ms: int | None = None
    confirmed: bool = False


def last_bound_ms(now_ms: int, grace_ms: int) -> int:
    """The latest bound at this moment. Days, weeks and months end at midnight, so there is one bound a day."""
    return (now_ms - grace_ms) // DAY_MS * DAY_MS + grace_ms


def may_hold(now_ms: int, bound_ms: int) -> bool:
    """Whether a backlog can hold a freeze at this moment: from the bound on, up to the cap."""
    return bound_ms <= now_ms < bound_ms + CAP_MS


def is_clear(sighting: Sighting, bound_ms: int, now_ms: int) -> bool:
    """Whether a queue seems to have no message from before the bound.

    It is empty, or all that was received lately was sent after the bound. What was received before the bound was sent
    before it, so the second way needs a whole look-back after the bound, and something must have been received: the
    workers of a queue may stand still.
    """
    if sighting.messages == 0:
        return True
    return now_ms - LOOK_BACK_MS > bound_ms and sighting.least_ms is not None and sighting.least_ms > bound_ms


def watched(watch: Watch, sightings: Sequence[Sighting], bound_ms: int, began_ms: int, ended_ms: int) -> Watch:
    """What is known after another look at all source queues, which took from `began_ms` to `ended_ms`."""
    if watch.confirmed:
        return watch
    if not all(is_clear(sighting, bound_ms, began_ms) for sighting in sightings):
        return Watch()
    since = watch.clear_since_ms
    # A first look in the future was noted by a clock that is ahead: it proves nothing yet.
    if since is None or since > ended_ms:
        return Watch(ended_ms)
    return Watch(since, confirmed=began_ms - since >= APART_MS)


def is_news(noted: tuple[int, int] | None, now_ms: int, oldest_ms: int, bound_ms: int) -> bool:
    """Whether a batch whose oldest message was sent at `oldest_ms` tells more than what its process noted last, as
    (minute, oldest): once a minute, and once more if it is the first from before the bound in that minute."""
    if noted is None or noted[0] != minute_of(now_ms):
        return True
    return oldest_ms <= bound_ms < noted[1]
