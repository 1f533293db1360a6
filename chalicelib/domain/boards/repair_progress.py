"""How far the repair of a board's rank index has come: what its log remembers between two steps.

Step by step, a repair counts all entries in order of their players. It writes what each step counted (a tally) beside
the log, and moves its cursor. A move of a player who is counted already is written beside the log by the intent that
makes it. Tallies and moves together are the entries at any moment when no intent is pending, so the index is then
corrected one range of scores after the other. Counters that lie across two ranges come last.
"""

from __future__ import annotations

import msgspec

# What tallies and moves are kept for; their items expire later. No repair takes as long.
MAX_AGE_MS = 24 * 3_600_000
EXPIRES_AFTER_MS = 3 * MAX_AGE_MS


class Repair(msgspec.Struct, array_like=True, frozen=True):
    """`since`: the log's number when it began. `step`: steps done. `cursor`: the last player whose entry is counted;
    `counted`: all entries are. `tallies`: names of the tallies that count. `low`: the index is right for scores below;
    `cuts`: where ranges of scores met; `corrected`: all ranges are done. `again`: an order that came meanwhile.
    """

    id: str
    since: int
    began_ms: int
    step: int = 0
    cursor: str = ""
    counted: bool = False
    tallies: tuple[str, ...] = ()
    low: int = 0
    cuts: tuple[int, ...] = ()
    corrected: bool = False
    again: str = ""

    def has_counted(self, player: str) -> bool:
        return self.counted or player <= self.cursor

    def is_over(self, now_ms: int) -> bool:
        """Whether it is too old to go on: what it wrote may expire."""
        return now_ms - self.began_ms > MAX_AGE_MS

    @property
    def expires(self) -> int:
        """When its tallies and moves may be collected (epoch seconds)."""
        return (self.began_ms + EXPIRES_AFTER_MS) // 1000
