"""The progress of a rank index's repair, which the redo log keeps between two steps.

Step by step, a repair counts all entries in order of their subjects. Each step stores its counts (a tally) next to the
log, and moves the cursor. A write that moves an already counted subject stores the move next to the log too. At a
moment without pending intent, tallies and moves together describe all entries, so the index is then corrected one range
of scores after the other. Counters that lie across two ranges come last.
"""

from __future__ import annotations

import msgspec

# The maximum age of a repair. Its tallies and moves expire later. No repair takes that long.
MAX_AGE_MS = 24 * 3_600_000
EXPIRES_AFTER_MS = 3 * MAX_AGE_MS


class Repair(msgspec.Struct, array_like=True, frozen=True):
    """A repair in progress.

    `since`: the log's number at its start. `step`: steps done. `cursor`: the last subject whose entry is counted.
    `counted`: all entries are. `tallies`: names of the valid tallies. `low`: the index is correct for scores below.
    `cuts`: scores at which ranges met. `corrected`: all ranges are done. `again`: a request that arrived meanwhile.
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

    def has_counted(self, subject: str) -> bool:
        return self.counted or subject <= self.cursor

    def is_over(self, now_ms: int) -> bool:
        """Return whether the repair is too old to continue: its tallies and moves may expire."""
        return now_ms - self.began_ms > MAX_AGE_MS

    @property
    def expires(self) -> int:
        """Return when its tallies and moves may expire (epoch seconds)."""
        return (self.began_ms + EXPIRES_AFTER_MS) // 1000
