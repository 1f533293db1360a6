"""Reading postings: what happened to an account, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from chalicelib.domain.ledger.transfer import is_system
from chalicelib.store.core.models import Item
from chalicelib.store.core.table import Table, key_of
from chalicelib.store.ledger import keys
from chalicelib.store.ledger.models import PostingItem

# After every transfer's id.
NEWEST = "~"


@dataclass(frozen=True, slots=True)
class Posted:
    """One side of a transfer as it is kept. `public`: of the player on the other side, where it is one."""

    id: str
    amount: int
    other: str
    kind: str
    public: str = ""
    note: str = ""
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def created_at(self) -> int:
        """Milliseconds."""
        return int(self.id[:11], 16)


def postings_before(
    table: Table, account_id: str, asset: str, before: str, limit: int | None = None, *, since: str = ""
) -> list[Posted]:
    """A player's postings with ids from `since` to before `before`, newest first: up to `limit`, else all. Strong."""
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
    """(asset, posting) of a transfer on a player's account. Strong."""
    if is_system(account_id):
        raise ValueError(account_id)
    wanted = {keys.posting(account_id, "", asset, transfer_id): asset for asset in assets}
    found = table.get_many(list(wanted))
    return next(((wanted[key], read_posting(item)) for key, item in found.items()), None)


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
