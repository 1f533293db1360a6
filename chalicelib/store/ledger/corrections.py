"""Which transfers were corrected: one row for each, written with its correction, so that there is never a second."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chalicelib.store.core.table import Table, put_of
from chalicelib.store.ledger import keys
from chalicelib.store.ledger.models import CorrectedItem


@dataclass(frozen=True, slots=True)
class Corrected:
    """`by`: the id of the transfer that took another one back."""

    by: str
    reason: str = ""


def load_corrected(table: Table, transfer_id: str) -> Corrected | None:
    item = table.get(keys.corrected(transfer_id))
    if item is None:
        return None
    row = CorrectedItem.from_raw_data(item)
    return Corrected(row.by, row.reason or "")


def corrected_write(table: str, transfer_id: str, corrected: Corrected) -> dict[str, Any]:
    """Whatever takes a transfer back writes this: once, by condition."""
    row = CorrectedItem(*keys.corrected(transfer_id), by=corrected.by, reason=corrected.reason or None)
    return put_of(table, row.item(), "attribute_not_exists(pk)")
