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
    """A write that is not answered, and lands when the test says so."""

    def __init__(self) -> None:
        self._transact = Table.transact
        self._writes: Writes = ()

    def unanswered(self, _: Table, writes: Writes) -> None:
        """The fate of the write itself."""
        self._writes = writes
        raise Unknown("timeout")

    def before(self, table: Table, writes: Writes) -> None:
        """The fate of a later write: the late one lands just before it."""
        self.land(table)
        self._transact(table, writes)

    def land(self, table: Table) -> None:
        """Do the write now. Raises what the table raises."""
        self._transact(table, self._writes)
