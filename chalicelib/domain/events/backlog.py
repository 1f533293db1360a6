"""Decide whether a backlog holds the freeze of a period.

The bound of a period is its end plus the grace period: events received later are late. All events received before the
bound must be applied before the freeze. Checks of the source queues show whether messages from before the bound may
still wait. Two checks, a minute apart, must find none: the counts of SQS are up to a minute old, and a standard queue
keeps no order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.domain.core.periods import DAY_MS, MINUTE_MS, minute_of

# How far back a check considers received messages. Two checks a minute apart cover the six minutes for which a message
# is hidden after its worker died.
LOOKBACK_MS = 5 * MINUTE_MS
# The counts of SQS are at most about this old: the second check shows the state of the queues after the first.
APART_MS = MINUTE_MS
# A longer backlog has raised an alarm for hours, and players wait for their ranks.
CAP_MS = 6 * 60 * MINUTE_MS


@dataclass(frozen=True, slots=True)
class Sighting:
    """The result of one check of a source queue.

    `messages`: waiting, in flight and delayed. `least_ms`: send time of the oldest message that workers received
    lately; None if they received none.
    """

    queue: str
    messages: int
    least_ms: int | None


@dataclass(frozen=True, slots=True)
class Watch:
    """The result of all checks so far.

    `clear_since_ms`: the end of the first check since which every check was clear. `confirmed`: a clear check came a
    minute later, so no more checks are needed.
    """

    clear_since_ms: int | None = None
    confirmed: bool = False


def last_bound_ms(now_ms: int, grace_ms: int) -> int:
    """Return the latest bound at this moment. All periods end at midnight, so there is one bound a day."""
    return (now_ms - grace_ms) // DAY_MS * DAY_MS + grace_ms


def may_hold(now_ms: int, bound_ms: int) -> bool:
    """Return whether a backlog can hold a freeze at this moment: from the bound on, up to the cap."""
    return bound_ms <= now_ms < bound_ms + CAP_MS


def is_clear(sighting: Sighting, bound_ms: int, now_ms: int) -> bool:
    """Return whether a queue seems to have no message from before the bound.

    It is empty, or all messages received lately were sent after the bound. A message received before the bound was also
    sent before it, so the second case needs the whole look-back to lie after the bound. It also needs a received
    message: the workers of a queue may be stopped.
    """
    if sighting.messages == 0:
        return True
    return now_ms - LOOKBACK_MS > bound_ms and sighting.least_ms is not None and sighting.least_ms > bound_ms


def watched(watch: Watch, sightings: Sequence[Sighting], bound_ms: int, began_ms: int, ended_ms: int) -> Watch:
    """Return the watch after another check of all source queues, which took from `began_ms` to `ended_ms`."""
    if watch.confirmed:
        return watch
    if not all(is_clear(sighting, bound_ms, began_ms) for sighting in sightings):
        return Watch()
    since = watch.clear_since_ms
    # A first check in the future was noted by a clock that is ahead: it proves nothing yet.
    if since is None or since > ended_ms:
        return Watch(ended_ms)
    return Watch(since, confirmed=began_ms - since >= APART_MS)


def is_news(noted: tuple[int, int] | None, now_ms: int, oldest_ms: int, bound_ms: int) -> bool:
    """Return whether a batch adds to the last note of its process.

    `noted`: (minute, send time of the oldest message) of the last note. `oldest_ms`: send time of the batch's oldest
    message. A process notes once a minute, and again for the first message from before the bound in that minute.
    """
    if noted is None or noted[0] != minute_of(now_ms):
        return True
    return oldest_ms <= bound_ms < noted[1]
