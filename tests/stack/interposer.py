"""Proxy between the Lambda workers and the emulator: forwards every call, and kills workers in the middle of some.

Each kill hits a process that waits for the response of a write: `before` the emulator gets the request, which then
never happens, or `after` it has executed the request, whose response the worker never gets.
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
CONFLICT = "TransactionConflict"
# Duration of a transaction: longer than on AWS, since processes that share one machine rarely run at once.
TRANSACTION_S = 0.1
BEFORE, AFTER = "before", "after"
HOPS = {"connection", "transfer-encoding", "content-length"}


@dataclass
class Plan:
    """Calls whose caller is killed: operation -> number of the call -> moment."""

    calls: dict[str, dict[int, str]]
    counts: Counter[str] = field(default_factory=Counter)
    due: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def drawn(cls, rng: random.Random, kills: dict[str, tuple[int, int]]) -> Plan:
        """Draw a plan. `kills`: operation -> (kills, first calls among which they lie); the moments alternate."""
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
        """Return the moment to kill the caller of this call, if any."""
        moment = self.calls.get(operation, {}).get(self.counts[operation])
        self.counts[operation] += 1
        if moment:
            self.due.setdefault(operation, []).append(moment)
        waiting = self.due.get(operation)
        return waiting.pop(0) if waiting else None

    def missed(self, operation: str, moment: str) -> None:
        """Kill the next caller instead: this one was dead already."""
        self.due.setdefault(operation, []).append(moment)


@dataclass
class Interposer:
    """`kills`: number by (operation, moment), `victims`: by function. `history`: the table's commits, in order.

    `exclusive`: a transaction is cancelled if another one with one of its items is under way, as on AWS; the emulator
    never does that by itself. `cancelled`: number of cancelled transactions, by reason.
    """

    stack: Stack
    plan: Plan
    exclusive: bool = False
    cancelled: Counter[str] = field(default_factory=Counter)
    under_way: set[str] = field(default_factory=set)
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

    def enter(self, items: set[str]) -> bool:
        """Begin a transaction on these items. Return whether no other transaction has one of them."""
        with self.lock:
            if self.exclusive and items & self.under_way:
                return False
            self.under_way |= items
            return True

    def leave(self, items: set[str], reasons: list[str]) -> None:
        with self.lock:
            self.under_way -= items
            self.cancelled.update(reasons)

    def kill(self, port: int, operation: str, moment: str) -> bool:
        """Kill the worker that waits at the other end. Return whether it was alive."""
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
        status, headers, content = self._transact(body) if operation == TRANSACTION else self._ask(body)
        if moment == AFTER and self._kill(operation, moment):
            return
        self._answer(status, headers, content)

    def _kill(self, operation: str, moment: str) -> bool:
        self.close_connection = self.interposer.kill(self.client_address[1], operation, moment)
        return self.close_connection

    def _transact(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        request, between = json.loads(body), self.interposer
        items = {_key(write) for write in request["TransactItems"]}
        reasons: list[str] = []
        free = between.enter(items)
        try:
            if not free:
                answer = _conflict(len(items))
            else:
                if between.exclusive:
                    time.sleep(TRANSACTION_S)
                # One at a time: the order of the responses is that of the commits.
                with between.committing:
                    answer = self._ask(body)
                    if answer[0] == 200:
                        between.history.note(request, time.time_ns() // 1_000_000)
            if answer[0] != 200:
                reasons = _reasons(answer[2])
        finally:
            between.leave(items if free else set(), reasons)
        return answer

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
        """Print nothing: broken connections of killed workers are expected."""


def _key(write: dict[str, Any]) -> str:
    inner = next(iter(write.values()))
    key = inner.get("Key") or inner["Item"]
    return json.dumps([key["pk"], key["sk"]])


def _conflict(items: int) -> tuple[int, list[tuple[str, str]], bytes]:
    reasons = [{"Code": CONFLICT, "Message": "Transaction is ongoing for the item"}, *[{"Code": "None"}] * (items - 1)]
    named = ", ".join(reason["Code"] for reason in reasons)
    body = {
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": f"Transaction cancelled, please refer cancellation reasons for specific reasons [{named}]",
        "CancellationReasons": reasons,
    }
    return 400, [("Content-Type", "application/x-amz-json-1.0")], json.dumps(body).encode()


def _reasons(content: bytes) -> list[str]:
    """Return the reasons why a transaction was cancelled, each once."""
    reasons = json.loads(content).get("CancellationReasons", [])
    return sorted({reason["Code"] for reason in reasons} - {"None"})
