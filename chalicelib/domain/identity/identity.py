"""The random ids and the display settings of a player."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Identity:
    """The one row that ties a player to its random ids: `account` on ledger rows, `public` on boards."""

    account: str
    public: str
    created_at: int
    display_name: str | None = None
    private: bool = False
    hidden: bool = False
    # When each of the three was last asked for, in ms: queues keep no order, the latest wish counts.
    asked_at: dict[str, int] = field(default_factory=dict)

    def asks(self, what: str, at_ms: int) -> bool:
        """Whether a wish of this moment about `name`, `private` or `hidden` is the latest one; it is noted then."""
        if at_ms < self.asked_at.get(what, -1):
            return False
        self.asked_at[what] = at_ms
        return True
