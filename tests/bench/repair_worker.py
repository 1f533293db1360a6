"""The measured process: repairs of a board as the `boards` worker does them, one step a message.

python -m tests.bench.repair_worker PLAYERS REPAIRS    with the endpoint, table and threads in the environment

It writes a JSON line for each step, and at the end one with the peak of its memory.
"""

from __future__ import annotations

import random
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import msgspec
from botocore.session import Session

from chalicelib import settings, wiring
from chalicelib.domain.progress.scores import BoardUpdate
from chalicelib.retry import Retry
from chalicelib.services.boards import rebuild_index
from chalicelib.services.boards.messages import BoardMessage
from chalicelib.services.boards.worker import feed_messages
from chalicelib.services.context import Context
from chalicelib.store.boards import keys
from chalicelib.store.boards.nodes import stream_nodes
from chalicelib.store.core.table import number

SCOPE = "global"
BOARD = f"{SCOPE}#all"
TIMEOUT_MS = 119_000
UPDATES = 200  # between two steps
DAMAGED = 60
HIGH_SEQ = 10**6


class Line(msgspec.Struct):
    """A step of a repair: its CPU, by the process's clock, and its calls.

    `parallel` of the calls were made in `rounds`, as many in parallel as there are threads.
    """

    repair: int
    step: int
    cpu_s: float
    calls: dict[str, int]
    parallel: int
    rounds: int


class Last(msgspec.Struct):
    """The process at its end: peak memory, and number of updates written."""

    peak_mb: float
    updates: int


class Orders:
    """A queue that keeps the messages of a repair."""

    def __init__(self) -> None:
        self.bodies: list[str] = []

    def send_grouped(self, queue: str, bodies: Sequence[tuple[str, str]]) -> None:
        self.bodies += [body for _, body in bodies]

    def using(self, retry: Retry) -> Orders:
        return self


class Rounds(ThreadPoolExecutor):
    """A process's pool that counts the calls that it makes in parallel."""

    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        self.threads, self.parallel, self.rounds = threads, 0, 0

    def map(self, fn: Callable[..., Any], *iterables: Any, **options: Any) -> Iterator[Any]:
        work = list(zip(*iterables, strict=True))
        self.parallel += len(work)
        self.rounds += -(-len(work) // self.threads)
        return super().map(lambda arguments: fn(*arguments), work, **options)


class Worker:
    def __init__(self, players: int) -> None:
        self.players, self.rng = players, random.Random(7)
        session = Session()
        session.set_credentials("AKIABENCHBENCHBENCHB", "bench" * 8, "token" * 200)
        session.set_config_variable("region", "us-east-1")
        self.orders, self.calls = Orders(), Counter[str]()
        queues: Any = self.orders
        chosen = settings.read()
        self.pool = Rounds(chosen.threads)
        self.context = replace(wiring.build(chosen, session), queues=queues, pool=self.pool)
        self.context.table.client.meta.events.register("before-send.dynamodb", self._count)
        self.updates = 0

    def run(self, repairs: int) -> Iterator[Line]:
        """Run a repair of a board without an index, then repairs of the damaged board."""
        for repair in range(1, repairs + 1):
            body: str | None = msgspec.json.encode(
                BoardMessage(BOARD, BOARD, repair=True, nonce=f"repair{repair}")
            ).decode()
            while body is not None:
                self.calls.clear()
                self.pool.parallel = self.pool.rounds = 0
                began = time.process_time()
                self._feed(body)
                message = msgspec.json.decode(body, type=BoardMessage)
                cpu_s = time.process_time() - began
                yield Line(repair, message.step, cpu_s, dict(self.calls), self.pool.parallel, self.pool.rounds)
                body = self.orders.bodies.pop() if self.orders.bodies else None
                self._update()
            if repair < repairs:
                self._damage()

    def _feed(self, body: str) -> None:
        fed = feed_messages(self._context(), [("m", body)])
        if fed.failed or fed.set_aside:
            raise SystemExit(f"{fed.failed or fed.set_aside}")

    def _context(self) -> Context:
        return self.context.within(TIMEOUT_MS)

    def _update(self) -> None:
        """Write new scores of some players, behind the cursor and before it."""
        self.updates += 1
        states = [
            BoardUpdate(
                subject=f"player:p{each:09d}",
                score=self.rng.choice((3_000, int(self.rng.lognormvariate(8, 1.25)) + 1)),
                version=1 + self.updates,
                reached_at=self.context.now_ms(),
                level=1,
                title="Beginner",
                public_id=f"{each:016x}",
            )
            for each in self.rng.sample(range(self.players), min(UPDATES, self.players // 20))
        ]
        raws = [msgspec.Raw(msgspec.json.encode(state)) for state in states]
        self._feed(msgspec.json.encode(BoardMessage(BOARD, BOARD, raws)).decode())

    def _damage(self) -> None:
        """Damage the index: wrong counters, deleted nodes, and nodes with a sequence number far ahead."""
        table, names = self.context.table, [name for name, _ in stream_nodes(self.context.table, BOARD)]
        for place, name in enumerate(self.rng.sample(names, min(DAMAGED, len(names)))):
            if place % 3 == 0:
                table.delete(keys.node(BOARD, name))
                continue
            change = ("ADD #n :n", {"#n": "05"}, 3) if place % 3 == 1 else ("SET #n = :n", {"#n": "seq"}, HIGH_SEQ)
            table.update(keys.node(BOARD, name), change[0], "", change[1], {":n": number(change[2])})

    def _count(self, event_name: str, **_: Any) -> None:
        self.calls[event_name.rpartition(".")[2]] += 1


def main(players: int, repairs: int) -> None:
    # One step a message, so that each is a line.
    rebuild_index.TURN_MS = 0
    worker = Worker(players)
    for line in worker.run(repairs):
        print(msgspec.json.encode(line).decode(), flush=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(msgspec.json.encode(Last(peak, worker.updates)).decode(), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
