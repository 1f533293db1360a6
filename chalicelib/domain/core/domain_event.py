"""Domain events: what Laurel publishes on the EventBridge bus."""

from __future__ import annotations

from typing import Any

import msgspec

SCHEMA_VERSION = 1


class DomainEvent(msgspec.Struct, rename="camel"):
    """A domain event on the bus.

    `type`: the detail type. `user_id`: the player it is about, "" if it is about a board. `detail`: its members besides
    id, version, userId and time.
    """

    id: str
    type: str
    user_id: str
    time: str
    detail: dict[str, Any]

    def body(self) -> dict[str, Any]:
        """Return the event's detail: `{id, version, userId?, time, ...detail}`."""
        subject = {"userId": self.user_id} if self.user_id else {}
        return {"id": self.id, "version": SCHEMA_VERSION, **subject, "time": self.time, **self.detail}
