"""The ledger's writes: the one place where a transfer becomes postings and balances."""

from __future__ import annotations

from typing import Any

from chalicelib.domain.ledger import Posting, Transfer, is_system
from chalicelib.store import keys
from chalicelib.store.models import PostingItem
from chalicelib.store.table import number, put_of, update_of


def transfer_writes(table: str, transfer: Transfer, ruleset: str) -> list[dict[str, Any]]:
    """A transfer's part of an atomic write: two postings, and a balance for each side that is no system account.

    A balance never goes below what is held; a posting that exists already fails the whole write.
    """
    writes = []
    for posting in transfer.postings():
        writes.append(_posting(table, transfer, posting, ruleset))
        if not is_system(posting.account):
            writes.append(_balance(table, transfer.asset, posting))
    return writes


def _posting(table: str, transfer: Transfer, posting: Posting, ruleset: str) -> dict[str, Any]:
    pk, sk = keys.posting(posting.account, posting.other, transfer.asset, transfer.created_at, transfer.id)
    row = PostingItem(
        pk,
        sk,
        amount=posting.amount,
        other=posting.other,
        asset=transfer.asset,
        transfer=transfer.id,
        kind=transfer.kind,
        at=transfer.created_at,
        details=transfer.details,
        ruleset=ruleset,
    )
    return put_of(table, row.item(), "attribute_not_exists(pk)")


def _balance(table: str, asset: str, posting: Posting) -> dict[str, Any]:
    """Both figures move; what is held makes them differ. A condition cannot subtract, so available is kept."""
    amount = {":a": number(posting.amount)}
    if posting.amount >= 0:
        return update_of(table, keys.account(posting.account, asset), "ADD balance :a, available :a", "", None, amount)
    need = amount | {":need": number(-posting.amount)}
    return update_of(
        table,
        keys.account(posting.account, asset),
        "ADD balance :a, available :a",
        "available >= :need",
        None,
        need,
    )
