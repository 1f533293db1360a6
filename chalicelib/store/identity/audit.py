"""The audit log: who did what, when, from which address. Rows are added, never changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from chalicelib.store.core.transaction import Transaction
from chalicelib.store.identity import keys
from chalicelib.store.identity.models import AuditItem


@dataclass(frozen=True, slots=True)
class Audit:
    """`what` was done (`grant`, `correction`, `reward.changed`, ...), with its `details`, by the player behind a key.

    `id`: unique, what is done twice is written once; `about`: the player it was done to, where there is one. It names
    players by their ids, so that erasing one has to look here too.
    """

    id: str
    at_ms: int
    what: str
    by: str
    key: str
    address: str
    about: str = ""
    details: dict[str, Any] = field(default_factory=dict)


def add_audit(tx: Transaction, audit: Audit) -> None:
    """Add the row that tells what the transaction does."""
    row = AuditItem(
        *keys.audit(audit.at_ms, audit.id),
        what=audit.what,
        by=audit.by,
        key=audit.key,
        address=audit.address or None,
        about=audit.about or None,
        details=audit.details,
    )
    tx.put(row.item(), "attribute_not_exists(pk)")
