"""The random ids and the display settings of a player."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Identity:
    """The row that ties a player to their random ids: `account` on ledger rows, `public` on boards."""

    account: str
    public: str
    created_at: int
    display_name: str | None = None
    private: bool = False
    hidden: bool = False
    # When each of the three was last requested, in ms. Queues do not keep the order; the latest request wins.
    asked_at: dict[str, int] = field(default_factory=dict)

    def asks(self, what: str, at_ms: int) -> bool:
        """Note a request for `name`, `private` or `hidden`; return whether it is the latest one."""
        if at_ms < self.asked_at.get(what, -1):
            return False
        self.asked_at[what] = at_ms
        return True
