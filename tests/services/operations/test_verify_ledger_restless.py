"""Verify proves accounts that hardly rest, and says of which it proves nothing."""

from __future__ import annotations

import re
from typing import Any

import pytest

from chalicelib.services.ledger import verify_accounts as accounts
from chalicelib.services.operations.verify_ledger import verify_ledger
from tests.services.boards.board_edits import edit
from tests.services.operations.ledger_edits import Economy, differences, verify


@pytest.fixture
def economy() -> Economy:
    return Economy()


def test_an_account_that_never_rests_is_reported_as_unproven(economy: Economy, monkeypatch: pytest.MonkeyPatch) -> None:
    real = accounts.read_figures

    def read(*arguments: Any) -> Any:
        economy.grant(economy.ada, 1)
        return real(*arguments)

    monkeypatch.setattr(accounts, "read_figures", read)
    edit(economy.plant, economy.balance_key(economy.ada), "ADD #balance :n", n=1)
    verified = verify(economy.plant)
    assert verified.restless == [f"{economy.ada.account} tokens"]


@pytest.mark.parametrize("edited", [0, 5])
def test_an_account_that_is_paid_whenever_all_of_it_is_read_is_proven(
    economy: Economy, monkeypatch: pytest.MonkeyPatch, edited: int
) -> None:
    """Test an account that rests for less time than a read of its postings; a wrong figure keeps its distance."""
    real, account = accounts.sum_partition, economy.ada.account

    def read(table: Any, pk: str, **bounds: str) -> Any:
        if account in pk and "since" not in bounds:
            economy.grant(economy.ada, 1)
        found = real(table, pk, **bounds)
        if account in pk and "since" not in bounds:
            economy.grant(economy.ada, 1)
        return found

    edit(economy.plant, economy.balance_key(economy.ada), "ADD #balance :n", n=edited)
    monkeypatch.setattr(accounts, "sum_partition", read)
    lines = differences(economy.plant)
    assert len(lines) == bool(edited)
    for line in lines:
        found = re.fullmatch(rf"{account} tokens: balance: expected (\d+), found (\d+)", line)
        assert found
        assert int(found[2]) - int(found[1]) == 5


def test_figures_that_changed_between_two_readings_are_no_difference(
    economy: Economy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Test figures that differ from the next read by the same amount each time."""
    real, undone = accounts.read_figures, [economy.bob]

    def read(*arguments: Any) -> Any:
        figures = real(*arguments)
        economy.grant(economy.ada, 1)
        return figures

    def wait() -> None:
        if undone.pop() is economy.ada:
            economy.grant(economy.ada, -1)
        else:
            edit(economy.plant, economy.balance_key(economy.ada), "ADD #balance :n", n=-1)
        undone.append(economy.ada)

    edit(economy.plant, economy.balance_key(economy.ada), "ADD #balance :n", n=1)
    monkeypatch.setattr(accounts, "read_figures", read)
    verified = verify_ledger(economy.plant.context, wait)
    assert (verified.differences, len(verified.restless)) == ([], 1)
