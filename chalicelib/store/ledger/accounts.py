"""A player's account of one asset: read, and changed on condition of how it was read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chalicelib.domain.ledger.transfer_limits import Sent
from chalicelib.store.core.keys import Key
from chalicelib.store.core.models import Item
from chalicelib.store.core.table import Table, number, text
from chalicelib.store.core.transaction import Transaction
from chalicelib.store.ledger import keys
from chalicelib.store.ledger.models import BalanceItem


@dataclass(frozen=True, slots=True)
class Account:
    """Balance, what of it is available, what bounds transfers. `expiring`: no open hold expires before (ms).

    `placed`: how many holds that expire were ever placed: it tells an account from itself before one more of them.
    `exists`: something was ever posted to it; `closed`: it takes nothing any more.
    """

    balance: int = 0
    available: int = 0
    sent: Sent | None = None
    expiring: int | None = None
    placed: int = 0
    exists: bool = False
    closed: bool = False

    @property
    def held(self) -> int:
        return self.balance - self.available


def read_account(item: Item | None) -> Account:
    """An account from its item; nothing on it where there is none."""
    if item is None:
        return Account()
    row = BalanceItem.from_raw_data(item)
    expiring = None if row.expiring is None else int(row.expiring)
    return Account(
        int(row.balance or 0),
        int(row.available or 0),
        row.sent,
        expiring,
        int(row.placed or 0),
        exists=True,
        closed=bool(row.closed),
    )


def load_account(table: Table, account_id: str, asset: str, *, strong: bool = True) -> Account:
    return read_account(table.get(keys.account(account_id, asset), strong=strong))


# An expiry that no hold has.
AS_IT_IS = -1


@dataclass(frozen=True, slots=True)
class Change:
    """What a write does to an account beside its posting's amount.

    `read`: it must still be as it was read, so that what the caller is told of it is exact. `released`: of what was
    held, so much is available again; less than 0: so much is held. `sent`, `expiring`: their new values, where they
    change; an `expiring` of None is taken away. `placed`: one more hold that expires.
    """

    read: Account | None = None
    released: int = 0
    sent: Sent | None = None
    expiring: int | None = AS_IT_IS
    placed: bool = False

    def add_to(self, tx: Transaction, key: Key, amount: int = 0) -> None:
        """Add the update of the account: both figures move by `amount`, available besides by what is released.

        A condition cannot subtract, so available is kept, not what is held. It never goes below zero.
        """
        available = amount + self.released
        values: dict[str, Any] = {":a": number(available), ":b": number(amount)}
        expression = "ADD balance :b, available :a" + (", placed :one" if self.placed else "")
        values |= {":one": number(1)} if self.placed else {}
        conditions = []
        if available < 0:
            values[":need"] = number(-available)
            conditions.append("available >= :need")
        if amount > 0:
            conditions.append("attribute_not_exists(closed)")
        sets: dict[str, Any] = {}
        if self.sent is not None:
            sets["sent"] = text(BalanceItem.sent.serialize(self.sent))
        if self.expiring not in (None, AS_IT_IS):
            sets["expiring"] = number(self.expiring)
        if sets:
            expression += " SET " + ", ".join(f"{name} = :{name}" for name in sets)
            values |= {f":{name}": value for name, value in sets.items()}
        expression += " REMOVE expiring" if self.expiring is None else ""
        names = {}
        if self.read is not None:
            for name, value in _as_read(self.read).items():
                names[f"#{name}"] = name
                conditions.append(f"#{name} = :was_{name}" if value else f"attribute_not_exists(#{name})")
                values |= {f":was_{name}": value} if value else {}
        tx.update(key, expression, " AND ".join(conditions), names, values)


def _as_read(account: Account) -> Mapping[str, Any]:
    """Attribute -> value, None where there is none."""
    if not account.exists:
        return {"balance": None}
    return {
        "balance": number(account.balance),
        "available": number(account.available),
        "sent": text(BalanceItem.sent.serialize(account.sent)) if account.sent else None,
        "expiring": None if account.expiring is None else number(account.expiring),
        "placed": number(account.placed) if account.placed else None,
    }


def read_balances(table: Table, account: str, assets: Sequence[str]) -> dict[str, int]:
    """Balance by asset; 0 where nothing was ever posted."""
    wanted = {asset: keys.account(account, asset) for asset in assets}
    found = table.get_many(list(wanted.values()))
    return {
        asset: int(BalanceItem.from_raw_data(found[key]).balance) if key in found else 0
        for asset, key in wanted.items()
    }
