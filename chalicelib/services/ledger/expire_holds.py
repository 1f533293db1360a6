"""Expired holds are void whether or not anybody swept them: who needs what they held releases them first."""

from __future__ import annotations

from contextlib import suppress

from chalicelib.domain.core.errors import LostRace, OutOfReach, Unavailable
from chalicelib.services.context import Context
from chalicelib.store.core.transaction import MAX_ITEMS
from chalicelib.store.ledger import keys
from chalicelib.store.ledger.accounts import Account, Change, load_account
from chalicelib.store.ledger.holds import move_hold, open_holds

MAX_TRIES = 5
# Each is two items of the write, the account one.
MAX_RELEASED = (MAX_ITEMS - 1) // 2


def usable(
    context: Context, account_id: str, asset: str, account: Account, needed: int, now_ms: int, *, strong: bool
) -> Account:
    """The account, if nothing expired is in the way of what is needed. Raises LostRace after releasing what was."""
    if account.available >= needed:
        return account
    return settled(context, account_id, asset, account, now_ms, strong=strong)


def settled(context: Context, account_id: str, asset: str, account: Account, now_ms: int, *, strong: bool) -> Account:
    """The account, if nothing of it has expired. Raises LostRace after releasing what had."""
    if not _is_due(account, now_ms):
        return account
    if strong:
        # An unknown outcome may be a success: the next reading tells.
        with suppress(LostRace, OutOfReach):
            release_holds(context, account_id, asset, account, now_ms)
    raise LostRace("what had expired was in the way")


def settled_account(context: Context, account_id: str, asset: str) -> Account:
    """The account as of now, after the release of what expired: one read, if nothing did.

    Raises Unavailable if others kept changing it.
    """
    for _ in context.retry.tries(MAX_TRIES):
        account, now_ms = load_account(context.table, account_id, asset), context.now_ms()
        if not _is_due(account, now_ms):
            return account
        with suppress(LostRace):
            release_holds(context, account_id, asset, account, now_ms)
    raise Unavailable("Others keep changing this account.")


def release_holds(context: Context, account_id: str, asset: str, account: Account, now_ms: int) -> None:
    """Give back what expired, up to 49 holds in one write, and note when the next will.

    `account`: read strongly before. Nothing must have changed on it since: a hold placed in between would be forgotten
    by the note. Raises LostRace.
    """
    holds = [hold for hold in open_holds(context.table, account_id) if hold.asset == asset and hold.expires_at]
    holds.sort(key=lambda hold: hold.expires_at or 0)
    due = [hold for hold in holds if hold.has_expired(now_ms)][:MAX_RELEASED]
    later = holds[len(due)].expires_at if len(due) < len(holds) else None
    change = Change(read=account, released=sum(hold.amount for hold in due), expiring=later)
    tx = context.table.transaction()
    for hold in due:
        move_hold(tx, hold, hold.as_void(now_ms), now_ms)
    change.add_to(tx, keys.account(account_id, asset))
    tx.commit()


def _is_due(account: Account, now_ms: int) -> bool:
    return account.expiring is not None and account.expiring <= now_ms
