"""The retry policy: a bound on the tries, pauses with jitter, and the caller's deadline."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")

OUT_OF_TIME = "not enough time before the deadline"

# Pauses double from 20 ms up to this exponent, at most 2.6 s.
LONGEST_PAUSE = 7
# The longest time that one call to a table, queue or bus takes: 1 s to connect, 3 s to read.
CALL_MS = 4_000


def _no_clock() -> int:
    return 0


@dataclass(frozen=True, slots=True)
class Retry:
    """A retry policy.

    `pause(n)`: wait before retry n + 1 (n from 0), with jitter. `now_ms`: the clock of `deadline_ms`, which is None
    without a deadline. `call_ms`: no try begins with less time left.
    """

    pause: Callable[[int], None]
    now_ms: Callable[[], int] = _no_clock
    deadline_ms: int | None = None
    call_ms: int = CALL_MS

    def has_time(self) -> bool:
        """Return whether another try may begin."""
        return self.deadline_ms is None or self.now_ms() + self.call_ms < self.deadline_ms

    def tries(self, most: int) -> Iterator[int]:
        """Count up to `most` tries from 0, with a pause before each but the first; stop early if the deadline is near.

        The first try does not depend on the time left: calls to table, queue and bus check `has_time` themselves.
        """
        yield 0
        for number in range(1, most):
            # After a slow call, a pause could outlast the deadline by up to 2.6 s.
            if not self.has_time():
                return
            self.pause(min(number - 1, LONGEST_PAUSE))
            if not self.has_time():
                return
            yield number

    def run(self, work: Callable[[], T], again: type[Exception] | tuple[type[Exception], ...], most: int) -> T:
        """Return what `work` returns; retry after the errors `again`. Raises the error of the last try."""
        lost: Exception = RuntimeError("no try was made")
        for _ in self.tries(most):
            try:
                return work()
            except again as error:
                lost = error
        raise lost
