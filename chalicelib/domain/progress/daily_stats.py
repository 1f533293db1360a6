"""The statistics of one UTC day, and the part of its XP that each kind of board counts."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec


class DailyStats(msgspec.Struct, array_like=True):
    """The statistics of one UTC day.

    `count`: events. `xp`: signed. `xp_at`: commit time (ms) of the last change of `xp`. `paid`: action with a daily
    maximum -> number of payments. `login`: whether the day's first request was paid. `on_time`: kind of board -> (XP,
    its last change) as those boards count the day; only for kinds that refused late XP.
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
        """Add signed XP. `late`: the kinds of boards that no longer accept XP of this day."""
        for kind in late:
            self.on_time.setdefault(kind, (self.xp, self.xp_at))
        for kind, (xp, xp_at) in self.on_time.items():
            if kind not in late:
                self.on_time[kind] = (xp + amount, max(xp_at, now_ms))
        self.xp += amount
        self.xp_at = max(self.xp_at, now_ms)

    def on_board(self, kind: str) -> tuple[int, int]:
        """Return (signed XP, its last change) as a daily, weekly or monthly board counts this day."""
        return self.on_time.get(kind) or (self.xp, self.xp_at)
