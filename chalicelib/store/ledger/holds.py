"""Holds: an item each, which moves from the open ones to the done ones in the write that resolves it.

Open ones of players and of redemptions are apart: a player has a hundred at most, pending redemptions have no bound.
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
    """A player's hold, open or resolved in the last 30 days; what nobody resolved by its expiry was resolved then."""
    places = [ledger_keys.open_hold(account_id, hold_id), ledger_keys.done_hold(account_id, hold_id)]
    found = table.get_many(places)
    # The two are not read at one moment: it may have moved behind the reader.
    item = found.get(places[0]) or found.get(places[1]) or table.get(places[1])
    if item is None:
        return None
    hold = read_hold(item)
    over_at = hold.resolved_at if hold.state != OPEN else hold.expires_at
    return hold if over_at is None or is_live(_kept_until(over_at), now_ms) else None


def open_holds(table: Table, account_id: str) -> Iterator[Hold]:
    """All of a player's that nobody resolved, of every asset, oldest first: what expired and was not swept too."""
    for item in table.query_all(ledger_keys.holds(account_id), prefix=ledger_keys.OPEN_HOLD):
        yield read_hold(item)


def open_holds_page(table: Table, account_id: str, limit: int, after: str | None = None) -> tuple[list[Hold], bool]:
    """A page of them and those of redemptions, newest first, after the one with this id; and whether there may be
    more."""
    pages = []
    for place in (ledger_keys.open_hold, ledger_keys.pending_hold):
        pk, prefix = place(account_id, "")
        start = key_of(place(account_id, after)) if after else None
        pages.append(table.query(pk, prefix=prefix, limit=limit, newest_first=True, start=start))
    found = sorted((read_hold(item) for page in pages for item in page.items), key=lambda hold: hold.id, reverse=True)
    return found[:limit], len(found) > limit or any(page.next is not None for page in pages)


def add_hold(tx: Transaction, hold: Hold, account: Account) -> None:
    """Place one: two items. Available shrinks; the account must still be as it was read.

    Of holds that expire the account keeps the earliest expiry, and how many there were.
    """
    change = Change(read=account, released=-hold.amount)
    if hold.expires_at is not None:
        earliest = hold.expires_at if account.expiring is None else min(account.expiring, hold.expires_at)
        change = Change(read=account, released=-hold.amount, expiring=earliest, placed=True)
    tx.put(_row(hold, _open_key(hold)), "attribute_not_exists(pk)")
    change.add_to(tx, ledger_keys.account(hold.account, hold.asset))


def post_hold(tx: Transaction, hold: Hold, posted: Hold, transfer: Transfer, ruleset: str, now_ms: int) -> None:
    """Post one: its move, and the transfer of what was posted; what was held beyond it is available again.

    `posted`: the hold by `as_posted`; `transfer`: from the hold's account, of the posted amount. Five items if it goes
    to a system account.
    """
    move_hold(tx, hold, posted, now_ms)
    post_transfer(tx, transfer, ruleset, Change(released=hold.amount))


def void_hold(tx: Transaction, hold: Hold, void: Hold, now_ms: int) -> None:
    """Void one: three items. `void`: the hold by `as_void`."""
    move_hold(tx, hold, void, now_ms)
    Change(released=hold.amount).add_to(tx, ledger_keys.account(hold.account, hold.asset))


def move_hold(tx: Transaction, hold: Hold, done: Hold, now_ms: int) -> None:
    """Move one from open to done, if nobody has done so. From its expiry on it can only become void."""
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
    """In seconds, as the table wants it."""
    return (resolved_at + KEPT_DAYS * DAY_MS) // 1000
