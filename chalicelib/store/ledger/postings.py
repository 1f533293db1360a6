"""Reads of postings: the changes of an account, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from chalicelib.domain.ledger.transfer import is_system
from chalicelib.store.core.models import Item
from chalicelib.store.core.table import Table, key_of
from chalicelib.store.ledger import keys
from chalicelib.store.ledger.models import PostingItem

# Sorts after the id of every transfer.
NEWEST = "~"


@dataclass(frozen=True, slots=True)
class Posted:
    """One stored side of a transfer. `public`: the public id of the player on the other side, if there is one."""

    id: str
    amount: int
    other: str
    kind: str
    public: str = ""
    note: str = ""
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def created_at(self) -> int:
        """Return the time of the transfer, in milliseconds."""
        return int(self.id[:11], 16)


def postings_before(
    table: Table, account_id: str, asset: str, before: str, limit: int | None = None, *, since: str = ""
) -> list[Posted]:
    """Return a player's postings, newest first: up to `limit`, else all. The read is strong.

    Their ids range from `since` to before `before`.
    """
    partition = keys.account(account_id, asset)[0]
    top = keys.POSTING + before
    conditions: dict[str, Any] = {"between": (keys.POSTING + since, top), "newest_first": True}
    start = None if before == NEWEST else key_of((partition, top))
    found: list[Posted] = []
    while True:
        page = table.query(partition, limit=None if limit is None else limit - len(found), start=start, **conditions)
        found += [read_posting(item) for item in page.items]
        start = page.next
        if start is None or len(found) == limit:
            return found


def find_posting(table: Table, account_id: str, assets: Sequence[str], transfer_id: str) -> tuple[str, Posted] | None:
    """Return (asset, posting) of a transfer on a player's account. The read is strong."""
    if is_system(account_id):
        raise ValueError(account_id)
    asset_of_key = {keys.posting(account_id, "", asset, transfer_id): asset for asset in assets}
    found = table.get_many(list(asset_of_key))
    return next(((asset_of_key[key], read_posting(item)) for key, item in found.items()), None)


def read_posting(item: Item) -> Posted:
    row = PostingItem.from_raw_data(item)
    return Posted(
        row.sk.removeprefix(keys.POSTING),
        int(row.amount),
        row.other,
        row.kind,
        row.public or "",
        row.note or "",
        row.details or {},
    )
