"""Follow sent events: which of them are applied, were applied before, or are rejected."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from chalicelib.domain.core.batches import batched
from chalicelib.domain.core.errors import RejectedEvent
from chalicelib.domain.events.event import Delivery, Event, parse
from chalicelib.domain.progress.apply_event import duplicate_of
from chalicelib.services.context import Context
from chalicelib.services.progress.apply_events import read_players

# Players and log entries of so many events are two rounds of batch reads.
EVENTS_PER_READ = 250
TOO_OLD = "too_old"


@dataclass(slots=True)
class Followed:
    """The events of a replay.

    `valid`: the number of those that the worker can apply; `events`: these events, if they are kept. `invalid`: by
    reason, the number of those that it will reject; `first`: why the first one is invalid. `before`: the number of
    those applied before they were sent; `known`: (player, identity) of all that are applied.
    """

    valid: int = 0
    events: list[Event] = field(default_factory=list)
    invalid: Counter[str] = field(default_factory=Counter)
    first: str = ""
    before: int = 0
    known: set[tuple[str, str]] = field(default_factory=set)

    @property
    def applied(self) -> int:
        return len(self.known) - self.before

    @property
    def missing(self) -> int:
        """Return the number of valid events that are not applied."""
        return len(self._left())

    @property
    def duplicates(self) -> int:
        """Return the number of events that were applied before, or are several times among the events."""
        return len(self.events) - self.missing - self.applied

    def note_before(self, context: Context) -> None:
        """Read which events are applied before they are sent."""
        self.update(context)
        self.before = len(self.known)

    def update(self, context: Context) -> None:
        """Read which of the missing events are applied now."""
        self.known |= set(_applied(context, self._left()))

    def _left(self) -> list[Event]:
        return [event for event in self.events if (event.player, event.identity) not in self.known]


def examine(context: Context, queue: str, raws: Iterable[dict[str, Any]], *, keep: bool) -> Followed:
    """Return the events as the worker of the queue will read them. `keep`: the valid ones stay in memory."""
    found = Followed()
    now_ms = context.now_ms()
    delivery = Delivery("replay", now_ms, backfill=queue == "backfill")
    for number, raw in enumerate(raws, 1):
        try:
            event = parse(raw, delivery, context.rules.settings, now_ms)
        except RejectedEvent as error:
            found.invalid[error.reason] += 1
            found.first = found.first or f"event {number}: {error.sentence}"
            continue
        found.valid += 1
        if keep:
            found.events.append(event)
    return found


def _applied(context: Context, events: Sequence[Event]) -> Iterator[tuple[str, str]]:
    """Yield (player, identity) of each event that is applied."""
    for part in batched(events, EVENTS_PER_READ):
        groups: dict[str, list[Event]] = {event.player: [] for event in part}
        for event in part:
            groups[event.player].append(event)
        readings = read_players(context, groups)
        for event in part:
            if duplicate_of(event, readings[event.player][1]):
                yield event.player, event.identity
