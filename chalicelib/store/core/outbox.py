"""The outbox: facts to publish, written in the same commit as the change, and deleted once they are sent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from chalicelib.store.core import keys
from chalicelib.store.core.models import Item, OutboxItem
from chalicelib.store.core.table import Table
from chalicelib.store.core.transaction import Transaction


@dataclass(frozen=True, slots=True)
class OutboxRecord:
    """A row of the outbox. Every send of it builds the same messages from `kind` and `facts`.

    `id`: unique. `at_ms`: the time of the commit.
    """

    id: str
    at_ms: int
    kind: str
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A row of the outbox as stored. `id`: of the record."""

    id: str
    item: Item

    @property
    def at_ms(self) -> int:
        """Return the time of the commit. The key has it, so a row of any schema does."""
        return int(self.item["sk"]["S"].partition("#")[0])

    def read(self) -> OutboxRecord:
        """Return the record. Raises LaterSchema."""
        row = OutboxItem.from_raw_data(self.item)
        return OutboxRecord(self.id, self.at_ms, row.kind, row.facts)


def add_outbox_record(tx: Transaction, record: OutboxRecord) -> None:
    """Add an outbox row to a transaction."""
    row = OutboxItem(*keys.outbox_record(record.at_ms, record.id), kind=record.kind, facts=record.facts)
    tx.put(row.item(), "attribute_not_exists(pk)")


def delete_outbox_record(table: Table, record: OutboxRecord) -> None:
    """Delete an outbox row that was sent. Deleting it twice is safe."""
    table.delete(keys.outbox_record(record.at_ms, record.id))


def outbox_records_before(table: Table, until_ms: int, first_shard: int = 0) -> Iterator[StoredRecord]:
    """Yield the outbox rows of commits up to a moment: shard by shard from `first_shard` on, oldest first in each.

    The caller reads each record, so that one of a later schema does not hide those that follow.
    """
    for place in range(keys.OUTBOX_SHARDS):
        shard = (first_shard + place) % keys.OUTBOX_SHARDS
        for item in table.query_all(keys.outbox(shard), between=("0", f"{until_ms:013d}~")):
            yield StoredRecord(item["sk"]["S"].partition("#")[2], item)
