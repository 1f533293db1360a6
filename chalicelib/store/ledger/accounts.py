"""A player's account of one asset: reads, and changes on condition of the state that was read."""

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
    """An account's balance, the part of it that is available, and the figures that limit transfers.

    `expiring`: no open hold expires before it (ms). `placed`: how many expiring holds were ever placed; a change of it
    shows that one more was placed since. `exists`: a transfer was ever posted to it. `closed`: it takes no more
    credits.
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
    """Return the account of an item; an empty one if there is no item."""
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


# Stands for an unchanged expiry: no hold has it.
UNCHANGED = -1


@dataclass(frozen=True, slots=True)
class Change:
    """The change that a write makes to an account in addition to its posting's amount.

    `read`: the state that the account must still have, so that the figures in the response are exact. `released`: this
    part of the held amount becomes available again; below 0, it becomes held. `sent`, `expiring`: their new values, if
    they change; None removes `expiring`. `placed`: the write places an expiring hold.
    """

    read: Account | None = None
    released: int = 0
    sent: Sent | None = None
    expiring: int | None = UNCHANGED
    placed: bool = False

    def add_to(self, tx: Transaction, key: Key, amount: int = 0) -> None:
        """Add the update of the account: `amount` changes both figures, `released` changes the available one only.

        A condition cannot subtract, so the item holds the available amount, not the held one. It never goes below zero.
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
        if self.expiring not in (None, UNCHANGED):
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
    """Return attribute -> value, None where there is none."""
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
    """Return balance by asset; 0 where nothing was ever posted."""
    key_of_asset = {asset: keys.account(account, asset) for asset in assets}
    found = table.get_many(list(key_of_asset.values()))
    return {
        asset: int(BalanceItem.from_raw_data(found[key]).balance) if key in found else 0
        for asset, key in key_of_asset.items()
    }
