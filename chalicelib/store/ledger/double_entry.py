"""The ledger's writes: the only place where a transfer becomes postings and balances."""

from __future__ import annotations

from chalicelib.domain.ledger.transfer import Posting, Transfer, is_system
from chalicelib.store.core.transaction import Transaction
from chalicelib.store.ledger import keys
from chalicelib.store.ledger.accounts import Change
from chalicelib.store.ledger.models import PostingItem


def post_transfer(
    tx: Transaction, transfer: Transfer, ruleset: str, debit: Change | None = None, credit: Change | None = None
) -> None:
    """Add a transfer: two postings, and a balance for each side that is no system account.

    A balance never goes below what is held; a closed account takes no credit; a posting that exists already fails the
    whole write. `debit`, `credit`: what else changes on the source and on the target account, on condition of how they
    were read.
    """
    for posting in transfer.postings():
        _post(tx, transfer, posting, ruleset)
        if not is_system(posting.account):
            change = (debit if posting.amount < 0 else credit) or Change()
            change.add_to(tx, keys.account(posting.account, transfer.asset), posting.amount)


def _post(tx: Transaction, transfer: Transfer, posting: Posting, ruleset: str) -> None:
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
    tx.put(row.item(), "attribute_not_exists(pk)")
    tx.book(f"transfer {transfer.id}", posting.amount)
