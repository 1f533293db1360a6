"""Faults of calls, each with its probability."""

from __future__ import annotations

import random
from dataclasses import dataclass, fields, replace

SINGLE_WRITES = frozenset(("PutItem", "UpdateItem", "DeleteItem"))
TRANSACTIONS = frozenset(("TransactWriteItems", "TransactGetItems"))
MULTI_WRITES = frozenset(
    ("BatchWriteItem", "SendMessageBatch", "DeleteMessageBatch", "ChangeMessageVisibilityBatch", "PutEvents")
)
TEARABLE = frozenset(("Query", "Scan", "BatchGetItem"))


@dataclass(frozen=True)
class Faults:
    """Probabilities per call unless said otherwise. The default is none at all; `Faults.rough()` has all of them.

    Deaths: `kill_before` and `kill_after` the effect of a call, `kill_mid` a multi-part call.
    Answers: `lost_request` (no effect, connect timeout), `lost_answer` (effect, read timeout), `late_effect` (read
    timeout, the effect comes up to `late_s` later), `in_progress` (the same of a transaction, which answers its
    retries meanwhile that it is in progress), `server_error` (500, effect or not), `throttle`, `conflict`,
    `partial` (some entries not done).
    Reads: `stale` per item and eventual or index read, at most `lag_ms` old, and per number of a queue's messages, at
    most `numbers_lag_ms` old; `torn` multi-item reads.
    Time: `stall` for a time within `stall_s`, before or after the effect; a call takes `latency_ms`.
    Queues: `duplicate` per received standard message, again within `duplicate_s`; `reorder` per receive.
    TTL: `ttl` is "off", "prompt", "late", "never", or "any" (the seed picks one of the last three).
    """

    kill_before: float = 0.0
    kill_after: float = 0.0
    kill_mid: float = 0.0
    lost_request: float = 0.0
    lost_answer: float = 0.0
    late_effect: float = 0.0
    in_progress: float = 0.0
    server_error: float = 0.0
    throttle: float = 0.0
    conflict: float = 0.0
    partial: float = 0.0
    stall: float = 0.0
    torn: float = 0.0
    stale: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    lag_ms: int = 3_000
    numbers_lag_ms: int = 60_000
    latency_ms: tuple[int, int] = (1, 8)
    late_s: float = 10.0
    stall_s: tuple[float, float] = (0.5, 400.0)
    duplicate_s: float = 600.0
    ttl: str = "off"

    @classmethod
    def rough(cls, **changes: float) -> Faults:
        """Return all faults at once, at rates under which work still gets done."""
        every = cls(
            kill_before=0.006,
            kill_after=0.006,
            kill_mid=0.02,
            lost_request=0.005,
            lost_answer=0.01,
            late_effect=0.004,
            in_progress=0.004,
            server_error=0.01,
            throttle=0.01,
            conflict=0.03,
            partial=0.05,
            stall=0.005,
            torn=0.2,
            stale=0.3,
            duplicate=0.1,
            reorder=0.5,
            ttl="any",
        )
        return replace(every, **changes)  # type: ignore[arg-type]


class Fates:
    """Draws at most one fault per call; what an operation cannot meet is left out of its draw."""

    def __init__(self, faults: Faults, rng: random.Random) -> None:
        self.faults, self.rng = faults, rng
        self._tables: dict[str, list[tuple[float, str]]] = {}

    def draw(self, operation: str) -> str:
        table = self._tables.get(operation)
        if table is None:
            table = self._tables[operation] = self._table(operation)
        if not table:
            return ""
        chance = self.rng.random()
        if chance >= table[-1][0]:
            return ""
        return next(name for limit, name in table if chance < limit)

    def _table(self, operation: str) -> list[tuple[float, str]]:
        possible = [
            "kill_before",
            "kill_after",
            "lost_request",
            "lost_answer",
            "server_error",
            "throttle",
            "stall",
        ]
        if operation not in ("ReceiveMessage", "GetItem", *TEARABLE):
            possible.append("late_effect")
        if operation == "TransactWriteItems":
            possible.append("in_progress")
        if operation in SINGLE_WRITES | TRANSACTIONS:
            possible.append("conflict")
        if operation in MULTI_WRITES:
            possible += ["kill_mid", "partial"]
        if operation == "BatchGetItem":
            possible.append("partial")
        if operation in TEARABLE:
            possible.append("torn")
        rates = {f.name: getattr(self.faults, f.name) for f in fields(self.faults)}
        table, total = [], 0.0
        for name in possible:
            if rates[name] > 0:
                total += rates[name]
                table.append((total, name))
        return table
