"""The ledger's writes: the one place where a transfer becomes postings and balances."""

from __future__ import annotations

from typing import Any

from chalicelib.domain.ledger.transfer import Posting, Transfer, is_system
from chalicelib.store.core.table import put_of
from chalicelib.store.ledger import keys
from chalicelib.store.ledger.accounts import Change
from chalicelib.store.ledger.models import PostingItem


def transfer_writes(
    table: str, transfer: Transfer, ruleset: str, debit: Change | None = None, credit: Change | None = None
) -> list[dict[str, Any]]:
    """A transfer's part of an atomic write: two postings, and a balance for each side that is no system account.

    A balance never goes below what is held; a closed account takes no credit; a posting that exists already fails the
    whole write. `debit`, `credit`: what else changes on the source and on the target account, on condition of how they
    were read.
    """
    writes = []
    for posting in transfer.postings():
        writes.append(_posting(table, transfer, posting, ruleset))
        if not is_system(posting.account):
            change = (debit if posting.amount < 0 else credit) or Change()
            writes.append(change.write(table, keys.account(posting.account, transfer.asset), posting.amount))
    return writes


def _posting(table: str, transfer: Transfer, posting: Posting, ruleset: str) -> dict[str, Any]:
    pk, sk = keys.posting(posting.account, posting.other, transfer.asset, transfer.id)
    seen = transfer.seen_by.get(posting.account, {})
    row = PostingItem(
        pk,
        sk,
        amount=posting.amount,
        other=posting.other,
        kind=transfer.kind,
        details=transfer.details or None,
        ruleset=ruleset,
        **seen,
    )
    return put_of(table, row.item(), "attribute_not_exists(pk)")
