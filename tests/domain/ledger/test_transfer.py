"""A transfer: more than nothing, between two accounts."""

from __future__ import annotations

import pytest

from chalicelib.domain.ledger.transfer import MINT, Transfer


@pytest.mark.parametrize("amount", [0, -1])
def test_a_transfer_moves_more_than_0(amount: int) -> None:
    with pytest.raises(ValueError, match=f"must move more than 0, not {amount}"):
        Transfer("t", "tokens", MINT, "ada", amount, "test", 0)


def test_a_transfer_has_two_accounts() -> None:
    with pytest.raises(ValueError, match="not ada twice"):
        Transfer("t", "tokens", "ada", "ada", 1, "test", 0)


def test_the_postings_are_a_debit_and_a_credit() -> None:
    source, target = Transfer("t", "tokens", "ada", "bob", 5, "test", 0).postings()
    assert (source.account, source.other, source.amount) == ("ada", "bob", -5)
    assert (target.account, target.other, target.amount) == ("bob", "ada", 5)
