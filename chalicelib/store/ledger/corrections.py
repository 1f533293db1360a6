"""Corrected transfers: one row each, written together with the correction, so that there is never a second one."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.store.core.table import Table
from chalicelib.store.core.transaction import Transaction
from chalicelib.store.ledger import keys
from chalicelib.store.ledger.models import CorrectedItem


@dataclass(frozen=True, slots=True)
class Corrected:
    """The mark of a corrected transfer. `by`: the id of the transfer that reversed it."""

    by: str
    reason: str = ""


def load_corrected(table: Table, transfer_id: str) -> Corrected | None:
    item = table.get(keys.corrected(transfer_id))
    if item is None:
        return None
    row = CorrectedItem.from_raw_data(item)
    return Corrected(row.by, row.reason or "")


def mark_corrected(tx: Transaction, transfer_id: str, corrected: Corrected) -> None:
    """Add the mark that a transfer was reversed. A transfer has at most one mark."""
    row = CorrectedItem(*keys.corrected(transfer_id), by=corrected.by, reason=corrected.reason or None)
    tx.put(row.item(), "attribute_not_exists(pk)")
