"""Redemptions: one item each, under the player's public id. The index lists them by status, for admins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from chalicelib.domain.ledger.transfer import located
from chalicelib.store.core.keys import Key
from chalicelib.store.core.models import Item
from chalicelib.store.core.table import Table, key_of, number, text
from chalicelib.store.core.transaction import Transaction
from chalicelib.store.rewards import keys
from chalicelib.store.rewards.models import RedemptionItem


@dataclass(frozen=True, slots=True)
class Redemption:
    """A redemption. Its id holds its time and the player's public id.

    `stocked`, `limited`: it took one from the stock, from the player's limit. `transfer`: the payment, if it is paid.
    `refund`: the transfer that paid it back.
    """

    id: str
    account: str
    reward: str
    cost: int
    asset: str
    status: str
    stocked: bool = False
    limited: bool = False
    transfer: str | None = None
    refund: str | None = None
    resolved_at: int | None = None

    @property
    def created_at(self) -> int:
        return self._place()[0]

    @property
    def public(self) -> str:
        return self._place()[1]

    def _place(self) -> tuple[int, str]:
        found = located(self.id)
        if found is None:
            raise ValueError(f"no redemption has the id {self.id}")
        return found


def add_redemption(tx: Transaction, made: Redemption, ruleset: str) -> None:
    """Add a new redemption."""
    board, order = keys.redemption_order(made.status, made.id)
    row = RedemptionItem(
        *keys.redemption(made.public, made.id),
        account=made.account,
        reward=made.reward,
        cost=made.cost,
        asset=made.asset,
        status=made.status,
        stocked=made.stocked or None,
        limited=made.limited or None,
        transfer=made.transfer,
        board=board,
        order=order,
        ruleset=ruleset,
    )
    tx.put(row.item(), "attribute_not_exists(pk)")


def add_resolution(tx: Transaction, read: Redemption, after: Redemption) -> None:
    """Add the status after a resolution, on condition of the status that was read."""
    board, order = keys.redemption_order(after.status, after.id)
    values: Item = {
        ":was": text(read.status),
        ":status": text(after.status),
        ":at": number(after.resolved_at or 0),
        ":board": text(board),
        ":order": text(order),
    }
    expression = "SET #s = :status, #b = :board, #o = :order, resolved_at = :at"
    for name, value in (("transfer", after.transfer), ("refund", after.refund)):
        if value:
            expression += f", {name} = :{name}"
            values[f":{name}"] = text(value)
    names = {"#s": "status", "#b": "board", "#o": "order"}
    tx.update(keys.redemption(read.public, read.id), expression, "#s = :was", names, values)


def public_of(key: Key) -> str:
    """Return the public id of the player whose redemption is at this key."""
    return key[0].partition("#")[2]


def redemption_key(redemption_id: str) -> Key | None:
    """Return the key of a redemption; None if the text is no id of one."""
    found = located(redemption_id)
    return keys.redemption(found[1], redemption_id) if found else None


def read_redemption(item: Item) -> Redemption:
    row = RedemptionItem.from_raw_data(item)
    return Redemption(
        id=row.sk,
        account=row.account,
        reward=row.reward,
        cost=int(row.cost),
        asset=row.asset,
        status=row.status,
        stocked=bool(row.stocked),
        limited=bool(row.limited),
        transfer=row.transfer,
        refund=row.refund,
        resolved_at=None if row.resolved_at is None else int(row.resolved_at),
    )


def own_redemptions(table: Table, public_id: str, limit: int, after: str | None) -> tuple[list[Redemption], str | None]:
    """Return a page of a player's redemptions, newest first, after the id `after`; and the id to continue after."""
    pk, _ = keys.redemption(public_id, "")
    start = key_of((pk, after)) if after else None
    page = table.query(pk, limit=limit, newest_first=True, start=start, strong=False)
    return [read_redemption(item) for item in page.items], page.next["sk"]["S"] if page.next else None


def redemptions_of_status(
    table: Table, status: str, limit: int, after: str | None
) -> tuple[list[Redemption], str | None]:
    """Return a page of all players' redemptions of a status, newest first, and the id to continue after.

    The index may lag: redemptions whose status has changed are omitted.
    """
    board, order = keys.redemption_order(status, after or "")
    start = None
    key = redemption_key(after) if after else None
    if key:
        start = key_of(key) | {"board": text(board), "order": text(order)}
    page = table.query(board, index=True, limit=limit, newest_first=True, start=start)
    found = table.get_many([(row["pk"]["S"], row["sk"]["S"]) for row in page.items], strong=False)
    return _of_status(found, status), page.next["order"]["S"] if page.next else None


def _of_status(found: Mapping[Key, Item], status: str) -> list[Redemption]:
    read = [read_redemption(item) for item in found.values()]
    return sorted((each for each in read if each.status == status), key=lambda each: each.id, reverse=True)
