"""Audit records of callers' actions."""

from __future__ import annotations

from typing import Any

from chalicelib.services.identity.authenticate import Caller
from chalicelib.store.core.transaction import Transaction
from chalicelib.store.identity.audit import Audit, add_audit


def audit(tx: Transaction, caller: Caller, what: str, id_: str, now_ms: int, about: str = "", **details: Any) -> None:
    """Add an audit record of the action `what`, with its own id, to the transaction of the action.

    `about`: the affected player. `details` that are None are left out.
    """
    stored = {name: value for name, value in details.items() if value is not None}
    add_audit(tx, Audit(id_, now_ms, what, caller.player, caller.prefix, caller.address, about, stored))
