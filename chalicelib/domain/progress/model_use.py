"""Recent use of a model: the least state that decides whether another use is new within its window."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.domain.core.periods import DAY_MS

# 7 x 24 h of event time: a use pays model_diversity if no other use is within this time before or after it.
DIVERSITY_WINDOW_MS = 7 * DAY_MS
# Ten years: the length of a run is stored in 39 bits. A longer run is cut and a new one begins.
MAX_RUN_MS = 3650 * DAY_MS


@dataclass(frozen=True, slots=True)
class ModelUse:
    """The latest run of a model's uses.

    Consecutive uses of a run are at most two windows apart, so every moment from `first` to `last` is within a window
    of a use. `nothing_before`: there is no use before `first`.
    """

    first: int
    last: int
    nothing_before: bool

    def is_near(self, time_ms: int) -> bool:
        """Return whether a use of the run is within the window before or after a moment."""
        return self.first - DIVERSITY_WINDOW_MS <= time_ms <= self.last + DIVERSITY_WINDOW_MS

    def extended(self, time_ms: int) -> ModelUse:
        """Return the latest run after one more use, at any time."""
        if time_ms > self.last:
            if self._joins(time_ms - self.last, time_ms - self.first):
                return ModelUse(self.first, time_ms, self.nothing_before)
            return ModelUse(time_ms, time_ms, nothing_before=False)
        if time_ms >= self.first:
            return self
        if self._joins(self.first - time_ms, self.last - time_ms):
            return ModelUse(time_ms, self.last, self.nothing_before)
        return ModelUse(self.first, self.last, nothing_before=False)

    @staticmethod
    def _joins(gap_ms: int, length_ms: int) -> bool:
        return gap_ms <= 2 * DIVERSITY_WINDOW_MS and length_ms <= MAX_RUN_MS
