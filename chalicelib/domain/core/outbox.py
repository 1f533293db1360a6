"""The outbox messages of a commit, built from its facts. Their ids are stable across retries."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from chalicelib.domain.core.domain_event import DomainEvent
from chalicelib.domain.core.periods import moment_name

SOURCE = "laurel/economy"
RawEvent = dict[str, Any]
Kind = Callable[[str, int, dict[str, Any]], "Messages"]


@dataclass(frozen=True, slots=True)
class Messages:
    """Outbox messages. `events`: CloudEvents for the internal queue. `domain_events`: domain events for the bus."""

    events: list[RawEvent] = field(default_factory=list)
    domain_events: list[DomainEvent] = field(default_factory=list)


def own_event(id_: str, at_ms: int, type_: str, player: str, data: dict[str, Any]) -> RawEvent:
    """Return an internal event about a player. Its receipt time is the commit time, however late it is sent."""
    when = moment_name(at_ms)
    return {
        "specversion": "1.0",
        "id": id_,
        "source": SOURCE,
        "type": type_,
        "subject": player,
        "time": when,
        "receivedAt": when,
        "data": data,
    }


def domain_event(id_: str, at_ms: int, type_: str, player: str, **detail: Any) -> DomainEvent:
    """Return a domain event about a player, with an id derived from type and `id_`."""
    stable = hashlib.blake2b(f"{type_}\0{id_}".encode(), digest_size=16).hexdigest()
    return DomainEvent(stable, type_, player, moment_name(at_ms), detail)
