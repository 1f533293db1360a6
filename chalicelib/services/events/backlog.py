"""Delay a freeze while events that were received in time may still wait to be applied.

Workers note the age of the oldest message that they receive. `rotate` reads these notes and the queues' own counts. The
result is stored per bound, so that all boards with this bound and all runs of `rotate` share it.
"""

from __future__ import annotations

from contextlib import suppress

from chalicelib.domain.core.errors import LostRace, OutOfReach
from chalicelib.domain.core.periods import MINUTE_MS, minute_of
from chalicelib.domain.events.backlog import LOOKBACK_MS, Sighting, is_clear, is_news, last_bound_ms, may_hold, watched
from chalicelib.services.context import Context
from chalicelib.store.events import backlog

SOURCES = ("events", "own", "backfill")


def grace_ms_of(context: Context) -> int:
    return context.rules.settings.freeze_grace_minutes * MINUTE_MS


def note_received(context: Context, queue: str, oldest_ms: int) -> None:
    """Note when the oldest message of a batch was sent, while that can delay a freeze.

    Takes at most two writes a minute per process and queue. A failed write fails no message.
    """
    now_ms = context.now_ms()
    bound_ms = last_bound_ms(now_ms, grace_ms_of(context))
    if not may_hold(now_ms, bound_ms) or not is_news(context.noted.get(queue), now_ms, oldest_ms, bound_ms):
        return
    with suppress(OutOfReach):
        with suppress(LostRace):  # a note at least as old exists
            backlog.note_received(context.table, queue, now_ms, oldest_ms)
        context.noted[queue] = (minute_of(now_ms), oldest_ms)


class Backlog:
    """The state of the source queues for one run of `rotate`, which checks each bound at most once.

    `reasons`: bound -> the result of the check.
    """

    def __init__(self, context: Context) -> None:
        self.context = context
        self.reasons: dict[int, str] = {}

    def holds(self, bound_ms: int) -> str:
        """Return why the periods with this bound must not be frozen yet; empty if they may be. Raises OutOfReach."""
        if not may_hold(self.context.now_ms(), bound_ms):
            return ""
        if bound_ms not in self.reasons:
            self.reasons[bound_ms] = self._check(bound_ms)
        return self.reasons[bound_ms]

    def _check(self, bound_ms: int) -> str:
        table = self.context.table
        known = backlog.read_watch(table, bound_ms)
        if known.confirmed:
            return ""
        began_ms = self.context.now_ms()
        sightings = [self._sighting(queue, began_ms) for queue in SOURCES]
        new = watched(known, sightings, bound_ms, began_ms, self.context.now_ms())
        if new != known:
            try:
                backlog.write_watch(table, bound_ms, known, new)
            except LostRace:  # another run wrote a newer state, which counts
                new = backlog.read_watch(table, bound_ms)
        if new.confirmed:
            return ""
        return _reason([each for each in sightings if not is_clear(each, bound_ms, began_ms)])

    def _sighting(self, queue: str, now_ms: int) -> Sighting:
        least_ms = backlog.least_received(self.context.table, queue, now_ms - LOOKBACK_MS)
        return Sighting(queue, self.context.queues.backlog(queue), least_ms)


def _reason(full: list[Sighting]) -> str:
    parts = [
        f"1 message waits in '{each.queue}'"
        if each.messages == 1
        else f"{each.messages:,} messages wait in '{each.queue}'"
        for each in full
    ]
    return ", ".join(parts) or "the queues are checked again in a minute"
