"""What is written down of what a caller does."""

from __future__ import annotations

from typing import Any

from chalicelib.services.context import Context
from chalicelib.services.identity.authenticate import Caller
from chalicelib.store.identity.audit import Audit, audit_write


def audited(
    context: Context, caller: Caller, what: str, id_: str, now_ms: int, about: str = "", **details: Any
) -> dict[str, Any]:
    """The write of an audit row, for the atomic write that does `what` under an id of its own.

    `about`: the player it is done to. `details` that are None are left out.
    """
    told = {name: value for name, value in details.items() if value is not None}
    audit = Audit(id_, now_ms, what, caller.player, caller.prefix, caller.address, about, told)
    return audit_write(context.table.name, audit)
