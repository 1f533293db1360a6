"""cost.write_units_per_event and cost.usd_per_million_events: the whole path of an event, as AWS counts it.

A stretch of virtual time goes through the worker functions and the simulated services: Poisson arrivals, players by
a Zipf law, a batch for every second that begins with an event (100 at most), the boards messages it makes. Every
player of the stretch exists; the time since its last event follows from its own rate, so days are opened and months
written as often as in steady traffic. Counted: the gateway's send, Lambda's polling, both workers, table, index, bus.
Left out: storage, backups, logs, metrics, reads over HTTP, data transfer.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from chalicelib.services.boards.worker import feed_messages
from chalicelib.services.progress.process_messages import process_messages
from chalicelib.workers.sqs import messages_of
from infra.settings import FUNCTIONS, QUEUE
from tests.bench.deployment import Deployment
from tests.bench.figures import Figure, NotTaken
from tests.bench.prices import Bill, requests_of
from tests.bench.traffic import Zipf, lambda_event, request
from tests.simulated import Call
from tests.simulated import lambda_event as queue_event

ZIPF = 1.1
PLAYERS_PER_EVENT_AND_SECOND = 1000  # 86 requests a player and day
SWITCHES = 0.1  # requests by another model than the player's first
MAX_AGE_S = 6 * 86_400
RECEIVE = 10  # messages that one SQS call carries
# Lambda keeps five long polls of 20 s open on each source, empty or not.
IDLE_POLLS_PER_S = 5 / 20
# Duration of an invocation: CPU of a call (as progress.cpu_ms_per_1000_events finds it) on the function's share of a
# core, and the time of a call to another service.
CPU_MS_PER_CALL = 1.2
LATENCY_MS = 6.0
CORE_MB = 1769
FUNCTION = {function.name: function for function in FUNCTIONS}
SOURCES = [QUEUE[function.queue] for function in FUNCTIONS if function.queue]


@dataclass(frozen=True)
class Stretch:
    """Virtual seconds of traffic at a rate."""

    events_per_s: int
    seconds: int


STRETCHES = (Stretch(1, 600), Stretch(50, 20), Stretch(500, 4))


def whole_path(stretches: tuple[Stretch, ...] = STRETCHES) -> Iterator[Figure]:
    for stretch in stretches:
        play = Play(stretch)
        play.run()
        events, bill = play.events, play.bill
        usd = {part: round(amount / events * 1e6, 3) for part, amount in bill.parts().items()}
        params = {
            "events_per_s": stretch.events_per_s,
            "seconds": stretch.seconds,
            "events": events,
            "players": play.population,
            "zipf": ZIPF,
            "batch": round(events / play.batches, 1),
        }
        units = (bill.write_units + bill.entry_write_units) / events
        yield Figure(
            "cost.write_units_per_event",
            units,
            "write units",
            params
            | {
                "progress": round(bill.write_units / events, 3),
                "boards": round(bill.entry_write_units / events, 3),
            },
        )
        yield Figure("cost.usd_per_million_events", sum(bill.parts().values()) / events * 1e6, "USD", params | usd)


class Play:
    """One stretch of traffic, invocation after invocation, with its bill."""

    def __init__(self, stretch: Stretch, seed: int = 7) -> None:
        self.stretch = stretch
        self.population = stretch.events_per_s * PLAYERS_PER_EVENT_AND_SECOND
        self.zipf = Zipf(self.population, ZIPF)
        self.rng = random.Random(seed)
        self.deployment = Deployment(seed)
        self.world = self.deployment.world
        self.boards = self.world.queue(self.deployment.urls["boards"])
        self.bill = Bill()
        self.events = self.batches = 0

    def run(self) -> None:
        arrivals = self._arrivals()
        self._meet({player for _, player in arrivals})
        began_ms = self.world.now_ms()
        for batch in _batches(arrivals):
            at_ms = began_ms + batch[-1][0]
            self.world.sleep(max(0, at_ms - self.world.now_ms()) / 1000)
            self._take(
                [
                    request(_name(player), self.events + place, began_ms + ms, int(self.rng.random() < SWITCHES))
                    for place, (ms, player) in enumerate(batch)
                ]
            )
            self.events += len(batch)
            self.batches += 1
        idle = self.stretch.seconds * IDLE_POLLS_PER_S
        self.bill.sqs_requests += idle * sum(1 for source in SOURCES if not source.fifo)
        self.bill.fifo_requests += idle * sum(1 for source in SOURCES if source.fifo)

    def _arrivals(self) -> list[tuple[int, int]]:
        """Return (ms since the beginning, player), in order."""
        found, moment = [], 0.0
        while True:
            moment += self.rng.expovariate(self.stretch.events_per_s)
            if moment >= self.stretch.seconds:
                return found
            found.append((int(moment * 1000), self.zipf.draw(self.rng)))

    def _meet(self, players: set[int]) -> None:
        """Apply each player's past: both models, at a moment that its own rate makes likely; not on the bill."""
        now_ms, last = self.world.now_ms(), []
        for player in sorted(players):
            rate = self.stretch.events_per_s * self.zipf.share(player)
            last.append((now_ms - int(1000 * min(MAX_AGE_S, 1 + self.rng.expovariate(rate))), player))
        last.sort()
        bodies = [
            request(_name(player), 10**12 + 2 * place + model, last_ms - 1 + model, model)
            for place, (last_ms, player) in enumerate(last)
            for model in (1, 0)
        ]
        for start in range(0, len(bodies), 500):
            self._work(bodies[start : start + 500])
        while self._feed() is not None:
            pass
        self.deployment.tape.record()
        self.deployment.meter.reset()

    def _work(self, bodies: list[str]) -> None:
        event = lambda_event(bodies, self.world.now_ms())
        report = process_messages(self.deployment.context, "events", messages_of(event))
        if report.failed or report.rejected:
            raise NotTaken(f"events of the stretch were not applied: {report.failed or report.rejected}")

    def _take(self, bodies: list[str]) -> None:
        """Run one invocation of `progress`, and the invocations of `boards` that it causes."""
        size = sum(len(body.encode()) for body in bodies)
        # The gateway sends each event by itself; Lambda receives and deletes ten at a time.
        calls = -(-len(bodies) // RECEIVE)
        self.bill.sqs_requests += len(bodies) + max(calls, requests_of(size)) + calls
        self._work(bodies)
        self._book("progress", ("TransactWriteItems",))
        while (fed := self._feed()) is not None:
            self.bill.fifo_requests += requests_of(fed) + 1
            self._book("boards", ("UpdateItem",))

    def _feed(self) -> int | None:
        """Run one invocation of `boards` with up to ten messages. Return their size in bytes, None without messages."""
        now_ms = self.world.now_ms()
        messages = self.world.sqs.take(self.boards, RECEIVE, None, Call(now_ms, self.world.rng))
        if not messages:
            return None
        event = queue_event(self.boards, messages)
        fed = feed_messages(self.deployment.context, [(each.id, each.body) for each in messages_of(event)])
        if fed.failed or fed.set_aside:
            raise NotTaken(f"board messages failed: {fed.failed or fed.set_aside}")
        for message in messages:
            self.boards.delete(message.receipt, now_ms)
        return sum(len(message.body.encode()) for message in messages)

    def _book(self, function: str, side_by_side: tuple[str, ...]) -> None:
        """Put an invocation on the bill: its units, its calls, its time. `side_by_side`: calls that threads share."""
        bill, meter, requests = self.bill, self.deployment.meter, self.deployment.tape.requests
        bill.read_units += meter.read_units
        if function == "boards":
            bill.entry_write_units += meter.write_units
        else:
            bill.write_units += meter.write_units
        for operation, params in requests:
            if operation == "SendMessageBatch":
                bill.fifo_requests += requests_of(sum(len(each["MessageBody"].encode()) for each in params["Entries"]))
            elif operation == "PutEvents":
                bill.bus_events += len(params["Entries"])
        bill.invocations += 1
        bill.gb_seconds += _duration_s(function, requests, side_by_side) * FUNCTION[function].memory_mb / 1024
        self.deployment.tape.record()
        meter.reset()


def _duration_s(function: str, requests: list[tuple[str, Any]], side_by_side: tuple[str, ...]) -> float:
    parallel = sum(operation in side_by_side for operation, _ in requests)
    waits = len(requests) - parallel + -(-parallel // FUNCTION[function].threads)
    cpu = len(requests) * CPU_MS_PER_CALL * max(1, CORE_MB / FUNCTION[function].memory_mb)
    return (waits * LATENCY_MS + cpu) / 1000


def _batches(arrivals: list[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
    """Yield batches. A batch opens with an event, and closes a second later or with its hundredth."""
    source = FUNCTION["progress"]
    batch: list[tuple[int, int]] = []
    for arrival in arrivals:
        if batch and (len(batch) == source.batch_size or arrival[0] - batch[0][0] >= source.window_s * 1000):
            yield batch
            batch = []
        batch.append(arrival)
    if batch:
        yield batch


def _name(player: int) -> str:
    return f"player-{player:06d}"
