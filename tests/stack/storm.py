"""Many concurrent threads on the API of the running stack, each request in a Lambda process of its own.

A process costs this machine a second to start: half of the threads are in flight at once, the others right behind.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from infra.local.stack import Stack
from tests.stack import altered
from tests.stack.altered import SOURCES, depth, until
from tests.stack.conftest import Answer, Http
from tests.stack.interposer import Interposer, Plan

THREADS, IN_FLIGHT = 50, 25
STARTED_AT_ONCE = 5
PATIENCE_S = 60.0
REPLAYED = "Idempotency-Replayed"
PREFIX = "/api/gamification/"
A = TypeVar("A")


@dataclass(frozen=True)
class Storm:
    """`between` is the API's proxy to the emulator; it cancels transactions that have a common item, as AWS does."""

    stack: Stack
    http: Http
    between: Interposer
    gate: threading.Semaphore

    def post(self, path: str, key: str, body: Any, *, method: str = "POST") -> Answer:
        return self.http.ask(PREFIX + path, key, body, method=method)

    def at_once(self, asks: Sequence[Callable[[], Answer]]) -> list[Answer]:
        """Begin all requests at the same moment. Return their responses, in order."""
        together = threading.Barrier(len(asks))

        def one(ask: Callable[[], Answer]) -> Answer:
            together.wait(PATIENCE_S)
            with self.gate:
                return ask()

        with ThreadPoolExecutor(len(asks)) as pool:
            return list(pool.map(one, asks))

    def gather(self) -> None:
        """Start the processes, a few at a time: a process that starts too slowly fails its request."""
        for processes in range(STARTED_AT_ONCE, IN_FLIGHT + 1, STARTED_AT_ONCE):
            self.at_once([lambda: self.http.ask(f"{PREFIX}leaderboard?limit=1")] * processes)

    def each(self, work: Callable[[int], A]) -> list[A]:
        """Do the work for the number of each thread. Return the results."""
        with ThreadPoolExecutor(IN_FLIGHT) as pool:
            return list(pool.map(work, range(THREADS)))

    @contextmanager
    def contended(self, what: str) -> Iterator[None]:
        """Print the conflicts during the block; there must be some."""
        before = self.between.cancelled.copy()
        yield
        met: Counter[str] = self.between.cancelled - before
        reasons = ", ".join(f"{count} by {reason}" for reason, count in sorted(met.items()))
        print(f"\n{what}: {met.total()} transactions were cancelled and tried again ({reasons or 'none'})")
        assert met.total() > 0, "without a conflict the test proves nothing"


@contextmanager
def behind(stack: Stack) -> Iterator[Storm]:
    """Start the API's processes again, behind an interposer."""
    until(lambda: depth(stack, *SOURCES) == 0, PATIENCE_S, "messages of other tests are done")
    between = Interposer(stack, Plan({}), exclusive=True)
    with between.serving(), altered.functions(stack, ("api",), AWS_ENDPOINT_URL=between.url):
        yield Storm(stack, Http(stack.api_url), between, threading.Semaphore(IN_FLIGHT))


def statuses(answers: Sequence[Answer]) -> dict[int, int]:
    """Return status -> number of responses."""
    return dict(Counter(answer.status for answer in answers))


def same_again(first: Sequence[Answer], again: Sequence[Answer]) -> bool:
    """Return whether each response equals the first one and has the replay header."""
    return all(
        (one.status, one.text) == (two.status, two.text) and two.headers[REPLAYED] == "true"
        for one, two in zip(first, again, strict=True)
    )
