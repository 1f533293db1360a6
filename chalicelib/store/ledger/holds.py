"""Holds: one item each, which moves from the open holds to the done holds in the write that resolves it.

Open holds of players and of redemptions are apart: a player has at most a hundred, pending redemptions have no limit.
"""

from __future__ import annotations

from collections.abc import Iterator

from chalicelib.domain.core.periods import DAY_MS
from chalicelib.domain.ledger.holds import KEPT_DAYS, OPEN, Hold
from chalicelib.domain.ledger.transfer import Transfer, located
from chalicelib.store.core import keys as core_keys
from chalicelib.store.core.expiry import is_live
from chalicelib.store.core.models import Item
from chalicelib.store.core.table import Table, key_of, number
from chalicelib.store.core.transaction import Transaction
from chalicelib.store.ledger import keys as ledger_keys
from chalicelib.store.ledger.accounts import Account, Change
from chalicelib.store.ledger.double_entry import post_transfer
from chalicelib.store.ledger.models import HoldItem


def read_hold(item: Item) -> Hold:
    row = HoldItem.from_raw_data(item)
    id_ = row.sk.partition("#")[2]
    created_at, _ = located(id_) or (0, "")
    return Hold(
        id=id_,
        account=row.pk.partition("#")[2],
        asset=row.asset,
        amount=int(row.amount),
        created_at=created_at,
        expires_at=None if row.expires_at is None else int(row.expires_at),
        purpose=row.purpose or "",
        state=row.state,
        posted=int(row.posted or 0),
        transfer=row.transfer or "",
        resolved_at=None if row.resolved_at is None else int(row.resolved_at),
    )


def load_hold(table: Table, account_id: str, hold_id: str, now_ms: int) -> Hold | None:
    """Load a player's hold, open or resolved in the last 30 days.

    A hold that was not resolved by its expiry counts as resolved then.
    """
    places = [ledger_keys.open_hold(account_id, hold_id), ledger_keys.done_hold(account_id, hold_id)]
    found = table.get_many(places)
    # The two keys are not read at the same moment: the hold may have moved between the two reads.
    item = found.get(places[0]) or found.get(places[1]) or table.get(places[1])
    if item is None:
        return None
    hold = read_hold(item)
    over_at = hold.resolved_at if hold.state != OPEN else hold.expires_at
    return hold if over_at is None or is_live(_kept_until(over_at), now_ms) else None


def open_holds(table: Table, account_id: str) -> Iterator[Hold]:
    """Yield all unresolved holds of a player, of every asset, oldest first, including expired ones not swept yet."""
    for item in table.query_all(ledger_keys.holds(account_id), prefix=ledger_keys.OPEN_HOLD):
        yield read_hold(item)


def open_holds_page(table: Table, account_id: str, limit: int, after: str | None = None) -> tuple[list[Hold], bool]:
    """Return a page of open holds of player and redemptions, newest first, and whether there may be more.

    The page begins after the hold with the id `after`.
    """
    pages = []
    for place in (ledger_keys.open_hold, ledger_keys.pending_hold):
        pk, prefix = place(account_id, "")
        start = key_of(place(account_id, after)) if after else None
        pages.append(table.query(pk, prefix=prefix, limit=limit, newest_first=True, start=start))
    found = sorted((read_hold(item) for page in pages for item in page.items), key=lambda hold: hold.id, reverse=True)
    return found[:limit], len(found) > limit or any(page.next is not None for page in pages)


def add_hold(tx: Transaction, hold: Hold, account: Account) -> None:
    """Place a hold: two items. Its amount is no longer available; the account must be unchanged since its read.

    The account keeps the earliest expiry of its holds, and the number of expiring holds that were ever placed.
    """
    change = Change(read=account, released=-hold.amount)
    if hold.expires_at is not None:
        earliest = hold.expires_at if account.expiring is None else min(account.expiring, hold.expires_at)
        change = Change(read=account, released=-hold.amount, expiring=earliest, placed=True)
    tx.put(_row(hold, _open_key(hold)), "attribute_not_exists(pk)")
    change.add_to(tx, ledger_keys.account(hold.account, hold.asset))


def post_hold(tx: Transaction, hold: Hold, posted: Hold, transfer: Transfer, ruleset: str, now_ms: int) -> None:
    """Post a hold: move it, and add the transfer of the posted amount. The rest is available again.

    `posted`: the hold by `as_posted`. `transfer`: from the hold's account, of the posted amount. It takes five items if
    the target is a system account.
    """
    move_hold(tx, hold, posted, now_ms)
    post_transfer(tx, transfer, ruleset, Change(released=hold.amount))


def void_hold(tx: Transaction, hold: Hold, void: Hold, now_ms: int) -> None:
    """Void a hold: three items. `void`: the hold by `as_void`."""
    move_hold(tx, hold, void, now_ms)
    Change(released=hold.amount).add_to(tx, ledger_keys.account(hold.account, hold.asset))


def move_hold(tx: Transaction, hold: Hold, done: Hold, now_ms: int) -> None:
    """Move a hold from open to done, if it is still open. From its expiry on it can only become void."""
    condition, values = "attribute_exists(pk)", None
    if hold.expires_at is not None:
        condition = f"expiresAt {'<=' if done.by_expiry else '>'} :now"
        values = {":now": number(now_ms)}
    tx.delete(_open_key(hold), condition, None, values)
    tx.put(_row(done, ledger_keys.done_hold(hold.account, hold.id)), "attribute_not_exists(pk)")


def _open_key(hold: Hold) -> core_keys.Key:
    place = ledger_keys.open_hold if hold.is_players else ledger_keys.pending_hold
    return place(hold.account, hold.id)


def _row(hold: Hold, key: core_keys.Key) -> Item:
    row = HoldItem(
        *key,
        asset=hold.asset,
        amount=hold.amount,
        expires_at=hold.expires_at,
        purpose=hold.purpose or None,
        state=hold.state,
        posted=hold.posted or None,
        transfer=hold.transfer or None,
        resolved_at=hold.resolved_at,
        expires=None if hold.resolved_at is None else _kept_until(hold.resolved_at),
    )
    return row.item()


def _kept_until(resolved_at: int) -> int:
    """Return the expiry of a resolved hold's item, in epoch seconds."""
    return (resolved_at + KEPT_DAYS * DAY_MS) // 1000
