"""What is counted of one UTC day, and what of its XP the boards of the day, its week and its month count."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec


class DayFigures(msgspec.Struct, array_like=True):
    """One UTC day: events counted, XP (signed), tokens and cost saved, when the XP last changed (commit, ms),
    paid counts of actions with a daily maximum, whether the day's first request was paid.

    `on_time`: (XP, when it last changed) as the boards of a kind count them, for kinds that missed late XP.
    """

    count: int = 0
    xp: int = 0
    tokens_saved: int = 0
    cost_saved: int = 0
    xp_at: int = 0
    paid: dict[str, int] = {}
    login: bool = False
    on_time: dict[str, tuple[int, int]] = {}

    def add_xp(self, amount: int, now_ms: int, late: Sequence[str] = ()) -> None:
        """Add signed XP; `late`: the kinds of boards that take it no more."""
        for kind in late:
            self.on_time.setdefault(kind, (self.xp, self.xp_at))
        for kind, (xp, xp_at) in self.on_time.items():
            if kind not in late:
                self.on_time[kind] = (xp + amount, max(xp_at, now_ms))
        self.xp += amount
        self.xp_at = max(self.xp_at, now_ms)

    def on_board(self, kind: str) -> tuple[int, int]:
        """(signed XP, when it last changed) as a daily, weekly or monthly board counts this day."""
        return self.on_time.get(kind) or (self.xp, self.xp_at)
