"""The dependencies of a use case: store, queues, bus, ledger, rules and clock. `wiring` builds one per process."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from chalicelib.domain.core.domain_event import DomainEvent
from chalicelib.domain.core.errors import LostRace, OutOfReach
from chalicelib.domain.identity.owner import Owner
from chalicelib.domain.rules.ruleset import Rules
from chalicelib.gateways.queues import Received
from chalicelib.retry import Retry
from chalicelib.store.core.table import Table
from chalicelib.store.core.transaction import Transaction

if TYPE_CHECKING:
    from chalicelib.domain.progress.effect import Credit

# Limit for the work after a commit while the caller waits.
AFTER_COMMIT_MS = 500
# Limit for one call of that work: 100 ms to connect, 200 ms to read. The rest is for what a busy process does before
# the call, which is not begun unless all of it fits.
QUICK_CALL_MS = 300
A = TypeVar("A")
B = TypeVar("B")


class Queues(Protocol):
    """Laurel's queues by short name.

    `send` and `send_grouped` raise unless the queue accepted everything. `send_each` returns one result per body: None
    if the queue accepted it, else the error.
    """

    def send(self, queue: str, bodies: Sequence[str]) -> None: ...
    def send_each(self, queue: str, bodies: Sequence[str]) -> Sequence[OutOfReach | None]: ...
    def send_grouped(self, queue: str, bodies: Sequence[tuple[str, str]]) -> None: ...
    def postpone(self, queue: str, receipts: Mapping[str, int]) -> None: ...
    def receive(self, queue: str, visibility_s: int, wait_s: int = 1) -> list[Received]: ...
    def delete(self, queue: str, receipts: Sequence[str]) -> None: ...
    def backlog(self, queue: str) -> int: ...
    def using(self, retry: Retry) -> Queues: ...


class Bus(Protocol):
    """The bus for domain events. `publish` raises unless the bus accepted all of them."""

    def publish(self, domain_events: Sequence[DomainEvent]) -> None: ...
    def using(self, retry: Retry) -> Bus: ...


class Ledger(Protocol):
    """The part of the ledger that progress uses. `items_per_credit`: the most items that one paid credit writes."""

    @property
    def items_per_credit(self) -> int: ...
    def pay(
        self, tx: Transaction, account: str, public: str, credits: Sequence[Credit], ruleset: str, now_ms: int
    ) -> None: ...
    def balances(self, table: Table, account: str, assets: Sequence[str]) -> dict[str, int]: ...


class OutOfTime(OutOfReach):
    """Too little time is left before the deadline to start the work. Nothing of it was started."""

    def __init__(self) -> None:
        super().__init__("too little time is left before the caller's timeout")


def _discard(message: str, facts: Mapping[str, Any]) -> None:
    """Discard a warning: the default where no log is read."""


@dataclass(frozen=True, slots=True)
class Outlets:
    """Queues and bus with one try per call that give up within half a second."""

    queues: Queues
    bus: Bus


@dataclass(slots=True)
class Context:
    """The dependencies and the deadline of a use case.

    `now_ms`: the clock. `pause(n)`: wait before retry n, with jitter. `uniform(a, b)`: other random numbers.
    `new_id()`: 32 random hex digits.

    `pool`: runs work in parallel; None runs it sequentially. `owners`: cache of owners by the requested id; a player's
    account never changes. `noted`: queue -> the minute and the oldest message that the process noted last
    (`services/events/backlog.py`). `health`: what the process found last (`services/operations/read_health.py`).
    `deadline_ms`: when the caller stops waiting; None without a deadline. `quick()`:
    the outlets for the work after a commit while a caller waits; None where no caller waits. `warn(message, facts)`:
    writes a warning to the log.
    """

    table: Table
    queues: Queues
    bus: Bus
    ledger: Ledger
    rules: Rules
    now_ms: Callable[[], int]
    pause: Callable[[int], None]
    uniform: Callable[[float, float], float]
    new_id: Callable[[], str]
    pool: Executor | None = None
    owners: dict[str, Owner] = field(default_factory=dict)
    noted: dict[str, tuple[int, int]] = field(default_factory=dict)
    health: dict[str, Any] = field(default_factory=dict)
    deadline_ms: int | None = None
    quick: Callable[[], Outlets] | None = None
    warn: Callable[[str, Mapping[str, Any]], None] = _discard

    @property
    def retry(self) -> Retry:
        """Return the retry policy under this context's deadline."""
        return Retry(self.pause, self.now_ms, self.deadline_ms)

    def within(self, ms: int) -> Context:
        """Return a copy of the context, with its table, queues and bus, for work that must end within `ms`."""
        deadline_ms = self.now_ms() + ms
        if self.deadline_ms is not None:
            deadline_ms = min(deadline_ms, self.deadline_ms)
        retry = Retry(self.pause, self.now_ms, deadline_ms)
        return replace(
            self,
            table=self.table.using(retry),
            queues=self.queues.using(retry),
            bus=self.bus.using(retry),
            deadline_ms=deadline_ms,
        )

    def after_commit(self) -> Context:
        """Return the context for the work after a commit: queues and bus take half a second at most."""
        if self.quick is None:
            return self
        outlets = self.quick()
        retry = Retry(self.pause, self.now_ms, self.now_ms() + AFTER_COMMIT_MS, QUICK_CALL_MS)
        return replace(self, queues=outlets.queues.using(retry), bus=outlets.bus.using(retry))

    def has_time(self, reserve_ms: int = 0) -> bool:
        """Return whether more than `reserve_ms` milliseconds are left before the deadline."""
        return self.deadline_ms is None or self.now_ms() + reserve_ms < self.deadline_ms

    def require_time(self, reserve_ms: int) -> None:
        """Raise OutOfTime unless more than `reserve_ms` milliseconds are left before the deadline."""
        if not self.has_time(reserve_ms):
            raise OutOfTime

    def each(self, work: Callable[[A], B], items: Iterable[A]) -> list[B]:
        """Run the work on every item; return the results in the order of the items."""
        if self.pool is None:
            return [work(item) for item in items]
        return list(self.pool.map(work, items))

    def later(self, work: Callable[[], None]) -> None:
        """Run work that no caller waits for. Another process must repeat it if it is lost.

        A Lambda may freeze after its response, so the work may never run.
        """
        if self.pool is None:
            _unless_out_of_reach(work)
        else:
            self.pool.submit(_unless_out_of_reach, work)


def _unless_out_of_reach(work: Callable[[], None]) -> None:
    with suppress(OutOfReach, LostRace):
        work()
