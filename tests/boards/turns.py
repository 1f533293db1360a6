"""Two strands of code on one table, a call at a time, in an order given from outside."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from chalicelib.store.core.table import StoreError, Table, Unknown

ENDINGS = ("done", "refused", "lost", "dies")


class Died(BaseException):
    """The end of a process."""


class Strand:
    """A strand that runs `work` up to its next call to the table, as often as it may continue.

    `calls` it has made; `begun`: one of them has put an intent into a log, `ended`: noted one as done; `died`: it was
    stopped for ever. `steps` of a repair that it has noted, its beginning included.
    """

    def __init__(self, work: Callable[[], Any]) -> None:
        self.calls, self.begun, self.ended, self.done, self.died = 0, False, False, False, False
        self.fate, self.steps = "done", 0
        self.failed: BaseException | None = None
        self._go, self._stopped = threading.Semaphore(0), threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, args=(work,), daemon=True)
        self._thread.strand = self  # type: ignore[attr-defined]
        self._thread.start()
        self._stopped.acquire()

    def step(self, fate: str = "done") -> None:
        """Let the next call happen: `refused` without effect, `lost` with an effect and no answer, or it `dies`."""
        self.fate = fate
        self._go.release()
        self._stopped.acquire()

    def finish(self) -> None:
        while not self.done:
            self.step()

    def call(self, table: Table, operation: str, request: dict[str, Any], real: Callable[..., Any]) -> Any:
        """Make one call, once it may happen."""
        self._stopped.release()
        self._go.acquire()
        fate, self.fate = self.fate, "done"
        self.calls += 1
        if fate == "dies":
            raise Died
        if fate == "refused":
            raise StoreError("refused")
        answer = real(table, operation, request)
        expression = request.get("UpdateExpression", "")
        self.begun = self.begun or "SET pending" in expression
        self.ended = self.ended or "REMOVE pending" in expression
        self.steps += "#repair" in expression
        if fate == "lost":
            raise Unknown("the answer was lost")
        return answer

    def _run(self, work: Callable[[], Any]) -> None:
        try:
            work()
        except Died:
            self.died = True
        except BaseException as error:
            self.failed = error
        self.done = True
        self._stopped.release()


@contextmanager
def taking_turns() -> Iterator[None]:
    """Let calls of strands wait for their turn; others go through."""
    real = Table._call

    def call(self: Table, operation: str, request: dict[str, Any]) -> Any:
        strand: Strand | None = getattr(threading.current_thread(), "strand", None)
        if strand is None:
            return real(self, operation, request)
        return strand.call(self, operation, request, real)

    with patch.object(Table, "_call", call):
        yield
