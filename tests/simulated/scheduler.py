"""Actors are real threads that pass one baton: exactly one runs, a seeded draw picks the next, time is virtual."""

from __future__ import annotations

import _thread
import heapq
import os
import random
import threading
import traceback
from collections.abc import Callable
from typing import Any, Protocol

from .calls import Killed


class Stuck(AssertionError):
    """The world did not come to rest within the allowed number of steps."""


class Source(Protocol):
    """Something that can start actors of its own when there is work for them."""

    def ready(self, now_ms: int) -> bool: ...

    def next_ms(self) -> int | None: ...

    def start(self) -> None: ...


class Process:
    """A unit of death: an actor and those that it runs in parallel. Past `deadline_ms` its next call is its last.

    `role`: whose requests its actors send.
    """

    __slots__ = ("dead", "deadline_ms", "role")

    def __init__(self) -> None:
        self.dead = False
        self.deadline_ms: int | None = None
        self.role = ""


class Actor:
    """One strand of the code under test. `failed` holds what it raised, if anything but Killed."""

    __slots__ = ("args", "done", "failed", "fn", "ident", "name", "process", "result", "thread", "waiter")

    def __init__(self, name: str, fn: Callable[..., Any], args: tuple[Any, ...], process: Process) -> None:
        self.name, self.fn, self.args, self.process = name, fn, args, process
        self.done = False
        self.waiter: Actor | None = None
        self.failed: BaseException | None = None
        self.result: Any = None
        self.thread: _Worker | None = None
        self.ident = 0


class _Worker:
    """A thread that runs one actor after another; its lock is its side of the baton."""

    idle: list[_Worker]

    def __init__(self) -> None:
        self.baton = _thread.allocate_lock()
        self.baton.acquire()
        self.job: tuple[Scheduler, Actor] | None = None
        threading.Thread(target=self._loop, name="actor", daemon=True).start()

    def _loop(self) -> None:
        while True:
            self.baton.acquire()
            job, self.job = self.job, None
            assert job is not None
            scheduler, actor = job
            actor.ident = _thread.get_ident()
            try:
                actor.result = actor.fn(*actor.args)
            except Killed:
                actor.process.dead = True
            except BaseException as error:
                actor.failed = error
                if actor.waiter is None:
                    scheduler.failures.append((actor.name, error, traceback.format_exc()))
            scheduler.retire(actor, self)


_Worker.idle = []
# A forked process has none of its parent's threads.
os.register_at_fork(after_in_child=_Worker.idle.clear)


class Scheduler:
    """The clock, the actors that can continue, those that sleep, and the sources that can start more."""

    def __init__(self, rng: random.Random, start_ms: int) -> None:
        self.rng, self.now_ms = rng, start_ms
        self.running: Actor | None = None
        self.sources: list[Source] = []
        self.failures: list[tuple[str, BaseException, str]] = []
        self.on_advance: Callable[[], None] = lambda: None
        self.steps = 0
        self.max_steps = 0
        self._ready: list[Actor] = []
        self._asleep: list[tuple[int, int, Actor | Callable[[], None]]] = []
        self._joining: dict[Actor, list[Actor]] = {}
        self._sequence = 0
        self._main = _thread.allocate_lock()
        self._main.acquire()
        self._stuck = False
        self._closing = False

    def spawn(self, name: str, fn: Callable[..., Any], *args: Any, process: Process | None = None) -> Actor:
        actor = Actor(name, fn, args, process or Process())
        self._ready.append(actor)
        return actor

    def current(self) -> Actor | None:
        """Return the actor that is calling; None outside of `run`."""
        actor = self.running
        if actor is not None and actor.ident != _thread.get_ident():
            raise RuntimeError("code under simulation called from a thread of its own: spawn an actor instead")
        return actor

    def at(self, at_ms: int, do: Callable[[], None]) -> None:
        """Run a short function (that makes no calls) at a virtual time."""
        self._sequence += 1
        heapq.heappush(self._asleep, (at_ms, self._sequence, do))

    def pause(self, actor: Actor) -> None:
        """Let the draw pick the next actor."""
        if not self._ready and not self._asleep and not self.sources and self.steps < self.max_steps:
            self.steps += 1
            return
        self._ready.append(actor)
        self._switch(actor)

    def sleep(self, actor: Actor, ms: float) -> None:
        self._sequence += 1
        heapq.heappush(self._asleep, (self.now_ms + max(0, round(ms)), self._sequence, actor))
        self._switch(actor)

    def join(self, actor: Actor, others: list[Actor]) -> None:
        """Wait until all the others are done."""
        for other in others:
            other.waiter = actor
        self._joining[actor] = others
        self._switch(actor)

    def advance(self, to_ms: int) -> None:
        if to_ms > self.now_ms:
            self.now_ms = to_ms
            self.on_advance()

    def run(self, max_steps: int) -> None:
        """Run until nothing can happen any more."""
        self.max_steps = self.steps + max_steps
        self._stuck = False
        first = self._next()
        if first is not None:
            self._hand(first)
            self._main.acquire()
        self.running = None
        if self._stuck:
            self.close()
            raise Stuck(f"not at rest after {max_steps} steps")

    def close(self) -> None:
        """Unwind every actor that is still running."""
        self._closing = True
        left = [*self._ready, *(a for _, _, a in self._asleep if isinstance(a, Actor)), *self._joining]
        self._ready, self._asleep, self._joining, self.sources = [], [], {}, []
        for actor in left:
            actor.process.dead = True
            if actor.thread is not None:
                self._hand(actor)
                self._main.acquire()
        self._ready, self._asleep = [], []
        self.running = None
        self._closing = False

    def retire(self, actor: Actor, worker: _Worker) -> None:
        """Free the actor's thread and hand the baton on."""
        _Worker.idle.append(worker)
        actor.done = True
        waiter = actor.waiter
        if waiter is not None and waiter in self._joining and all(a.done for a in self._joining[waiter]):
            del self._joining[waiter]
            self._ready.append(waiter)
        following = None if self._closing else self._next()
        if following is None:
            self._main.release()
        else:
            self._hand(following)

    def _switch(self, actor: Actor) -> None:
        if actor.process.dead and self._closing:
            raise Killed
        following = self._next()
        if following is actor:
            return
        if following is None:
            self._main.release()
        else:
            self._hand(following)
        assert actor.thread is not None
        actor.thread.baton.acquire()
        if actor.process.dead:
            raise Killed

    def _hand(self, actor: Actor) -> None:
        self.running = actor
        worker = actor.thread
        if worker is None:
            worker = actor.thread = _Worker.idle.pop() if _Worker.idle else _Worker()
            worker.job = (self, actor)
        worker.baton.release()

    def _next(self) -> Actor | None:
        """Return the next actor; None if the world is at rest, or broken: `run` distinguishes them."""
        try:
            return self._choose()
        except BaseException as error:
            self.failures.append(("(the simulation)", error, traceback.format_exc()))
            return None

    def _choose(self) -> Actor | None:
        self.steps += 1
        if self.steps > self.max_steps:
            self._stuck = True
            return None
        while True:
            self._wake()
            able = [source for source in self.sources if source.ready(self.now_ms)]
            count = len(self._ready)
            if count or able:
                choice = self.rng.randrange(count + len(able)) if count + len(able) > 1 else 0
                if choice < count:
                    ready = self._ready
                    ready[choice], ready[-1] = ready[-1], ready[choice]
                    return ready.pop()
                able[choice - count].start()
                continue
            times = [t for s in self.sources if (t := s.next_ms()) is not None]
            if self._asleep:
                times.append(self._asleep[0][0])
            if not times:
                return None
            self.advance(max(self.now_ms, min(times)))

    def _wake(self) -> None:
        while self._asleep and self._asleep[0][0] <= self.now_ms:
            _, _, sleeper = heapq.heappop(self._asleep)
            if isinstance(sleeper, Actor):
                self._ready.append(sleeper)
            else:
                sleeper()
