"""The context of one request: the clock, chance, and the fault (if any) that it meets inside the engine."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, TypeVar

from .errors import AwsError

T = TypeVar("T")


class Killed(BaseException):
    """The process died here. Not an Exception, so that no handler of the code under test survives it."""


class Call:
    """One request under way. The default one meets no fault.

    `mode` is what befalls it inside: "" | "partial" | "kill_mid" | "torn" | "conflict" | "throttle". `stale` is
    the probability that an eventually consistent read of an item sees an older version of it, and a number of messages
    is an older one.
    """

    __slots__ = ("mode", "now_ms", "pause", "rng", "seen", "stale")

    def __init__(
        self,
        now_ms: int = 0,
        rng: random.Random | None = None,
        mode: str = "",
        stale: float = 0.0,
        pause: Callable[[], None] | None = None,
    ) -> None:
        self.now_ms, self.mode, self.stale = now_ms, mode, stale
        self.rng = rng or random.Random(0)
        self.pause = pause or (lambda: None)
        self.seen: list[str] = []

    def meets(self, mode: str) -> bool:
        """Return whether this fault befalls the call here, and count it if so."""
        if self.mode != mode:
            return False
        self.seen.append(mode)
        return True

    def cut(self, parts: int) -> int:
        """Return the number of parts of a multi-part call done before the process dies; `parts` if it lives."""
        if parts > 1 and self.meets("kill_mid"):
            return self.rng.randrange(1, parts)
        return parts

    def left_out(self, parts: int) -> set[int]:
        """Return the parts that a partial answer reports as not done."""
        if not parts or not self.meets("partial"):
            return set()
        return set(self.rng.sample(range(parts), self.rng.randint(1, parts)))

    def version(self, older: list[T], current: T) -> T:
        """Return the version of an item that an eventually consistent read returns."""
        if older and self.rng.random() < self.stale:
            self.seen.append("stale")
            return self.rng.choice(older)
        return current

    def moment(self, past_ms: int) -> int:
        """Return the moment to which a number in an answer belongs."""
        if past_ms and self.rng.random() < self.stale:
            self.seen.append("stale")
            return self.now_ms - self.rng.randint(0, past_ms)
        return self.now_ms


def missing_operation(name: str) -> AwsError:
    return AwsError("UnknownOperationException", f"The simulation has no {name}", 400)


Handler = Callable[[dict[str, Any], Call], dict[str, Any]]
