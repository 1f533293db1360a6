"""Writes of the ledger: the only place that turns a transfer into postings and balances."""

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

    A balance never goes below what is held. A closed account takes no credit. A posting that exists already fails the
    whole write. `debit`, `credit`: further changes of the source and of the target account, on condition of the state
    that was read.
    """
    for posting in transfer.postings():
        _post(tx, transfer, posting, ruleset)
        if not is_system(posting.account):
            change = (debit if posting.amount < 0 else credit) or Change()
            change.add_to(tx, keys.account(posting.account, transfer.asset), posting.amount)


def _post(tx: Transaction, transfer: Transfer, posting: Posting, ruleset: str) -> None:
    pk, sk = keys.posting(posting.account, posting.other, transfer.asset, transfer.id)
    visible = transfer.details_for.get(posting.account, {})
    row = PostingItem(
        pk,
        sk,
        amount=posting.amount,
        other=posting.other,
        kind=transfer.kind,
        details=transfer.details or None,
        ruleset=ruleset,
        **visible,
    )
    tx.put(row.item(), "attribute_not_exists(pk)")
    tx.book(f"transfer {transfer.id}", posting.amount)
