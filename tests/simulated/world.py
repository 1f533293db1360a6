"""The simulated AWS: services, clock, faults and actors under one seed."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any

from .calls import Call, Killed
from .dynamodb import DynamoDB
from .events import EventBridge
from .faults import Faults
from .iam import NotAllowed, Policy, asked_of
from .queue import Queue
from .scheduler import Actor, Scheduler
from .sources import EventSource, Handler
from .sqs import Sqs
from .ttl import Sweeper
from .wire import Wire

START_MS = 1_779_192_000_000  # 2026-05-19T12:00:00Z
MAX_STEPS = 400_000


class World:
    """One run. The same seed, faults and code give the same `trace`.

    `dynamodb`, `sqs` and `events` are the services themselves, to look into and to set up. Calls from outside of
    `run` (set-up, checks) meet no faults and take no time.
    """

    def __init__(self, seed: int, faults: Faults | None = None, start_ms: int = START_MS) -> None:
        self.seed, self.faults = seed, faults or Faults()
        self.rng = random.Random(seed)
        self.scheduler = Scheduler(self.rng, start_ms)
        self.dynamodb = DynamoDB(self.faults.lag_ms if self.faults.stale else 0)
        self.sqs = Sqs(self.rng, self.faults.numbers_lag_ms if self.faults.stale else 0)
        self.events = EventBridge(self.rng)
        self.fault_counts: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()
        # Role -> its policy. Requests without a role are allowed.
        self.policies: dict[str, Policy] = {}
        self.role = ""
        self.trace: list[tuple[int, str, str, str, str]] = []
        self._services: dict[str, Any] = {
            "dynamodb": self.dynamodb,
            "sqs": self.sqs,
            "events": self.events,
        }
        self._wire = Wire(self)
        self._sweeper = Sweeper(self, self.faults.ttl)
        self.scheduler.on_advance = self._sweeper.advance

    # time and actors

    def now_ms(self) -> int:
        return self.scheduler.now_ms

    def sleep(self, seconds: float) -> None:
        """Sleep in virtual time: other actors continue meanwhile. Outside of `run` it only moves the clock."""
        actor = self.scheduler.current()
        if actor is None:
            self.scheduler.advance(self.now_ms() + round(seconds * 1000))
            return
        self.check_alive(actor)
        self.scheduler.sleep(actor, seconds * 1000)
        self.check_alive(actor)

    def spawn(self, name: str, fn: Callable[..., Any], *args: Any, role: str = "") -> Actor:
        """Add an actor of a role that `run` will start; its `result` holds the result of `fn`."""
        actor = self.scheduler.spawn(name, fn, *args)
        actor.process.role = role
        return actor

    def executor(self) -> Executor:
        """Return a substitute for a ThreadPoolExecutor, which runs its functions as actors of the calling process."""
        return Crew(self)

    def run(self, max_steps: int = MAX_STEPS) -> None:
        """Run until all actors are done and every event source is empty; raise the error of an actor."""
        self.scheduler.run(max_steps)
        if self.scheduler.failures:
            name, error, text = self.scheduler.failures[0]
            self.scheduler.failures.clear()
            self.scheduler.close()
            raise AssertionError(f"actor {name} failed (seed {self.seed}):\n{text}") from error

    def close(self) -> None:
        """End actors that are still running (after a failed `run`)."""
        self.scheduler.close()

    def event_source(
        self,
        queue_url: str,
        handler: Handler,
        batch_size: int = 10,
        visibility_timeout: float | None = None,
        concurrency: int = 2,
        report_failures: bool = True,
        name: str = "",
        timeout_s: float = 60.0,
        kill_at_timeout: bool = False,
        role: str = "",
    ) -> EventSource:
        """Deliver a queue to `handler(event, context)` while the world runs.

        `visibility_timeout` in seconds (default: the queue's); up to `concurrency` invocations at once. A call of
        an invocation older than `timeout_s` kills it if `kill_at_timeout`; otherwise it lives on as a zombie.
        Invocations send requests of `role`.
        """
        queue = self.sqs.queue(queue_url)
        source = EventSource(
            self,
            queue,
            handler,
            name or queue.name,
            batch_size,
            visibility_timeout,
            concurrency,
            report_failures,
            timeout_s,
            kill_at_timeout,
            role,
        )
        self.scheduler.sources.append(source)
        return source

    # set-up

    def create_queue(self, name: str, dead_letter: str = "", max_receives: int = 10, **attributes: Any) -> str:
        """Make a queue and return its URL; `dead_letter` names another, attributes are SQS's own."""
        if dead_letter:
            target = self.sqs.create(dead_letter)
            policy = {"deadLetterTargetArn": target.arn, "maxReceiveCount": max_receives}
            attributes["RedrivePolicy"] = json.dumps(policy)
        return self.sqs.create(name, {k: str(v) for k, v in attributes.items()}).url

    def queue(self, url: str) -> Queue:
        return self.sqs.queue(url)

    def attach(self, client: Any) -> Any:
        """Connect a botocore client to this world, and return it. A later `attach` replaces the connection."""
        return self._wire.attach(client)

    def answer(self, service: str, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        """Return the answer to a request, with the faults that meet its actor. Raises AwsError and BotoCoreError."""
        return self._wire.answer(service, operation, params, f"https://{service}.simulated")

    def execute(self, service: str, operation: str, params: dict[str, Any], call: Call) -> dict[str, Any]:
        """Perform the bare effect of a request on "dynamodb", "sqs" or "events"."""
        answer: dict[str, Any] = self._services[service].execute(operation, params, call)
        return answer

    # permissions

    @contextmanager
    def acting_as(self, role: str) -> Iterator[None]:
        """Give calls from outside of `run` a role. Raise NotAllowed at the end if its policy does not allow one."""
        before, self.role = self.role, role
        denied = len(self.scheduler.failures)
        try:
            yield
        finally:
            self.role = before
            for _, error, _text in self.scheduler.failures[denied:]:
                if isinstance(error, NotAllowed):
                    raise error

    def authorize(self, actor: Actor | None, service: str, operation: str, params: dict[str, Any]) -> None:
        """Raise NotAllowed for a request that the sender's policy does not allow."""
        role = actor.process.role if actor else self.role
        if role:
            self.policies[role].hold(role, asked_of(service, operation, params))

    # life and death

    def check_alive(self, actor: Actor) -> None:
        """Raise Killed for the dead, and for an invocation past its time."""
        process = actor.process
        if process.dead:
            raise Killed
        if process.deadline_ms is not None and self.now_ms() > process.deadline_ms:
            self.count("timeout_kill")
            self.die(actor)

    def die(self, actor: Actor) -> None:
        actor.process.dead = True
        self.note(actor.name, "dies", "", "")
        raise Killed

    def count(self, fault: str) -> None:
        self.fault_counts[fault] += 1

    def note(self, actor: str, what: str, about: str, outcome: str) -> None:
        self.trace.append((self.scheduler.now_ms, actor, what, about, outcome))

    def format_trace(self, last: int = 200) -> str:
        """Return the last steps, one a line: seconds since the start, actor, operation, subject, outcome."""
        first = self.trace[0][0] if self.trace else 0
        return "\n".join(
            f"{(at - first) / 1000:10.3f} {actor:24} {what:20} {about} {outcome}"
            for at, actor, what, about, outcome in self.trace[-last:]
        )


class Crew(Executor):
    """Only `map`. All of it is spawned at once, and waited for before the first result is given."""

    def __init__(self, world: World) -> None:
        self.world = world

    def map(self, fn: Callable[..., Any], *iterables: Any, **_: Any) -> Iterator[Any]:
        world, work = self.world, list(zip(*iterables, strict=False))
        parent = world.scheduler.current()
        if parent is None or len(work) < 2:
            return iter([fn(*args) for args in work])
        actors = [
            world.scheduler.spawn(f"{parent.name}.{n}", fn, *args, process=parent.process)
            for n, args in enumerate(work)
        ]
        world.scheduler.join(parent, actors)
        world.check_alive(parent)
        for actor in actors:
            if actor.failed is not None:
                raise actor.failed
        return iter([actor.result for actor in actors])
