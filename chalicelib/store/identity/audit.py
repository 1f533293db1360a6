"""The audit log: the action, its author, its time and the author's address. Rows are added, never changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from chalicelib.store.core.transaction import Transaction
from chalicelib.store.identity import keys
from chalicelib.store.identity.models import AuditItem


@dataclass(frozen=True, slots=True)
class Audit:
    """An action `what` (`grant`, `correction`, `reward.changed`, ...) with its `details`, by the player of a key.

    `id`: unique; a repeated action is written once. `about`: the player that the action concerned, if there is one.
    Players are named by their ids, so an erasure must read these rows too.
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
    """Add the audit row of the transaction's action."""
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
