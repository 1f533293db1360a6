"""Release of expired holds. They are void without a sweep: an operation that needs their amount releases them first."""

from __future__ import annotations

from contextlib import suppress

from chalicelib.domain.core.errors import LostRace, OutOfReach, Unavailable
from chalicelib.services.context import Context
from chalicelib.store.core.transaction import MAX_ITEMS
from chalicelib.store.ledger import keys
from chalicelib.store.ledger.accounts import Account, Change, load_account
from chalicelib.store.ledger.holds import move_hold, open_holds

MAX_TRIES = 5
# Each hold takes two items of the write, the account one.
MAX_RELEASED = (MAX_ITEMS - 1) // 2


def usable(
    context: Context, account_id: str, asset: str, account: Account, needed: int, now_ms: int, *, strong: bool
) -> Account:
    """Return the account if expired holds do not block the needed amount. Raises LostRace after their release."""
    if account.available >= needed:
        return account
    return settled(context, account_id, asset, account, now_ms, strong=strong)


def settled(context: Context, account_id: str, asset: str, account: Account, now_ms: int, *, strong: bool) -> Account:
    """Return the account if none of its holds has expired. Raises LostRace after the release of expired holds."""
    if not _is_due(account, now_ms):
        return account
    if strong:
        # An unknown outcome may be a success: the next read shows it.
        with suppress(LostRace, OutOfReach):
            release_holds(context, account_id, asset, account, now_ms)
    raise LostRace("expired holds had to be released first")


def settled_account(context: Context, account_id: str, asset: str) -> Account:
    """Return the current account, after the release of expired holds. Takes one read if none has expired.

    Raises Unavailable if others kept changing it.
    """
    for _ in context.retry.tries(MAX_TRIES):
        account, now_ms = load_account(context.table, account_id, asset), context.now_ms()
        if not _is_due(account, now_ms):
            return account
        with suppress(LostRace):
            release_holds(context, account_id, asset, account, now_ms)
    raise Unavailable("Too many concurrent changes of this account; try again.")


def release_holds(context: Context, account_id: str, asset: str, account: Account, now_ms: int) -> None:
    """Release expired holds, up to 49 in one write, and note the next expiry.

    `account`: read strongly before. It must be unchanged since, else the note would omit a hold that was placed in
    between. Raises LostRace.
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
