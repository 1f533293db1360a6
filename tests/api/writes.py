"""Fates of writes in tests over HTTP: lost, not answered, or landing late."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from chalicelib.store.core.table import Table, Unknown

Writes = Sequence[dict[str, Any]]


def at_write(monkeypatch: pytest.MonkeyPatch, *fates: Callable[[Table, Writes], None]) -> None:
    """Give the next writes these fates; all further ones are done."""
    real, left = Table.transact, list(fates)

    def transact(table: Table, writes: Writes) -> None:
        (left.pop(0) if left else real)(table, writes)

    monkeypatch.setattr(Table, "transact", transact)


class LateWrite:
    """A write that gets no response, and lands when the test calls `land`."""

    def __init__(self) -> None:
        self._transact = Table.transact
        self._writes: Writes = ()

    def unanswered(self, _: Table, writes: Writes) -> None:
        """Keep the write and raise Unknown: the fate of the late write itself."""
        self._writes = writes
        raise Unknown("timeout")

    def before(self, table: Table, writes: Writes) -> None:
        """Land the late write just before this one: the fate of a later write."""
        self.land(table)
        self._transact(table, writes)

    def land(self, table: Table) -> None:
        """Do the write now. Raise the table's error, if any."""
        self._transact(table, self._writes)
