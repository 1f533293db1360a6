"""Counter of the sequential round trips of a read: calls made in parallel are one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from typing import Any


class Rounds(Executor):
    """Substitute for a process's pool: does work one by one, but counts it as done in parallel."""

    def __init__(self) -> None:
        self.trips = 0

    def watch(self, client: Any) -> None:
        """Count the requests that a botocore client sends from now on."""
        client.meta.events.register_first("before-send", self._sent)

    def map(self, fn: Callable[..., Any], *iterables: Any, **_: Any) -> Iterator[Any]:
        began, latest, results = self.trips, self.trips, []
        for arguments in zip(*iterables, strict=False):
            self.trips = began
            results.append(fn(*arguments))
            latest = max(latest, self.trips)
        self.trips = latest
        return iter(results)

    def _sent(self, **_: Any) -> None:
        self.trips += 1
