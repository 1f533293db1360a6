"""Stands between the Lambda workers and the emulator, passes every call on, and kills workers in the middle of some.

Each kill hits a process that waits for the answer of a write at that moment: `before` the emulator has seen the
request, which then never happens, or `after` it has carried it out, of which the worker never hears.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from infra.local.stack import Stack
from infra.settings import LOCAL_HOST
from tests.pipeline.history import Commits
from tests.stack.sockets import owner

TRANSACTION = "TransactWriteItems"
BEFORE, AFTER = "before", "after"
HOPS = {"connection", "transfer-encoding", "content-length"}


@dataclass
class Plan:
    """Which calls of an operation end their caller: the number of the call -> when."""

    calls: dict[str, dict[int, str]]
    seen: Counter[str] = field(default_factory=Counter)
    due: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def drawn(cls, rng: random.Random, kills: dict[str, tuple[int, int]]) -> Plan:
        """`kills`: operation -> how many, among how many first calls. Both kinds come in turn."""
        return cls(
            {
                operation: {
                    call: (AFTER, BEFORE)[place % 2] for place, call in enumerate(rng.sample(range(among), number))
                }
                for operation, (number, among) in kills.items()
            }
        )

    @property
    def total(self) -> int:
        return sum(len(calls) for calls in self.calls.values())

    def next(self, operation: str) -> str | None:
        """When to kill the caller of this call, if at all."""
        moment = self.calls.get(operation, {}).get(self.seen[operation])
        self.seen[operation] += 1
        if moment:
            self.due.setdefault(operation, []).append(moment)
        waiting = self.due.get(operation)
        return waiting.pop(0) if waiting else None

    def missed(self, operation: str, moment: str) -> None:
        """The caller was dead already: the next one's turn."""
        self.due.setdefault(operation, []).append(moment)


@dataclass
class Interposer:
    """`kills`: how many by (operation, moment), `victims`: by function. `history`: what the table took, in order."""

    stack: Stack
    plan: Plan
    kills: Counter[tuple[str, str]] = field(default_factory=Counter)
    victims: Counter[str] = field(default_factory=Counter)
    history: Commits = field(default_factory=Commits)
    called_at: float = 0.0
    killed: set[int] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)
    committing: threading.Lock = field(default_factory=threading.Lock)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://{LOCAL_HOST}:{self.port}"

    @contextlib.contextmanager
    def serving(self) -> Iterator[Interposer]:
        handler = type("Handler", (_Handler,), {"interposer": self})
        with ThreadingHTTPServer((LOCAL_HOST, 0), handler) as server:
            server.daemon_threads = True
            self.port = server.server_port
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
            thread.start()
            try:
                yield self
            finally:
                server.shutdown()
                thread.join()

    def moment(self, operation: str) -> str | None:
        with self.lock:
            self.called_at = time.monotonic()
            return self.plan.next(operation)

    def kill(self, port: int, operation: str, moment: str) -> bool:
        """End the worker that waits at the other end; False if it is no more."""
        with self.lock:
            workers = self.stack.workers()
            pid = owner(port, self.port, workers)
            if pid is None or pid in self.killed:
                self.plan.missed(operation, moment)
                return False
            os.kill(pid, signal.SIGKILL)
            self.killed.add(pid)
            self.kills[operation, moment] += 1
            self.victims[workers[pid]] += 1
            return True


class _Handler(BaseHTTPRequestHandler):
    interposer: Interposer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    upstream: http.client.HTTPConnection | None = None

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError):
            super().handle()

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"] or 0)
        body = self.rfile.read(length)
        if len(body) < length:
            self.close_connection = True
            return
        operation = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
        moment = self.interposer.moment(operation)
        if moment == BEFORE and self._kill(operation, moment):
            return
        # One transaction at a time: the order of the answers is that of the commits.
        with self.interposer.committing if operation == TRANSACTION else contextlib.nullcontext():
            status, headers, content = self._ask(body)
            if status == 200 and operation == TRANSACTION:
                self.interposer.history.note(json.loads(body), time.time_ns() // 1_000_000)
        if moment == AFTER and self._kill(operation, moment):
            return
        self._answer(status, headers, content)

    def _kill(self, operation: str, moment: str) -> bool:
        self.close_connection = self.interposer.kill(self.client_address[1], operation, moment)
        return self.close_connection

    def _ask(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        if self.upstream is None:
            self.upstream = http.client.HTTPConnection(LOCAL_HOST, self.interposer.stack.emulator.port, timeout=60)
        self.upstream.request(self.command, self.path, body, dict(self.headers))
        answer = self.upstream.getresponse()
        return answer.status, answer.getheaders(), answer.read()

    def _answer(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in HOPS:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(content)
            self.wfile.flush()

    def finish(self) -> None:
        if self.upstream is not None:
            self.upstream.close()
        with contextlib.suppress(OSError):
            super().finish()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: a killed worker's broken connection is no news."""
