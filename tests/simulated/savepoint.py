"""A state of a table that can be restored at the price of the rows that were touched since."""

from __future__ import annotations

from .table import Key, Row, Table


class Savepoint:
    """A note of each row's state before its first change after this moment. A table may have several savepoints."""

    def __init__(self, table: Table) -> None:
        if table.history_ms:
            raise ValueError("Older versions of rows cannot be restored.")
        self.table = table
        self.before: dict[Key, Row | None] = {}
        table.journals.append(self.before)

    def restore(self) -> None:
        for key, row in self.before.items():
            self.table.store(key, row, 0)
