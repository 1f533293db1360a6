"""Tests of `laurel ledger verify`."""

from __future__ import annotations

import pytest

from chalicelib.cli import ledger as command
from chalicelib.store.ledger import keys
from tests.cli.conftest import Deployment
from tests.services.boards.board_edits import edit
from tests.services.operations.ledger_edits import load, players


@pytest.fixture
def traded(laurel: Deployment, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    load(laurel.plant, players(laurel.plant, [f"p{number}" for number in range(5)]), 40)
    monkeypatch.setattr(command.time, "sleep", laurel.world.sleep)
    return laurel


def test_verify_of_a_correct_ledger_prints_no_difference(traded: Deployment) -> None:
    result = traded.laurel("ledger", "verify")
    assert (result.stdout, result.stderr) == ("", "40 transfers, 80 postings, 5 accounts, 0 differences\n")
    assert ", 1 account, 0 differences" in traded.laurel("ledger", "verify", "p1").stderr
    assert "0 postings" in traded.laurel("ledger", "verify", "--asset", "coins").stderr
    assert "no such account" in traded.laurel("ledger", "verify", "nobody", status=1).stderr


def test_differences_are_printed_as_lines(traded: Deployment) -> None:
    (owner,) = players(traded.plant, ["p3"])
    edit(traded.plant, keys.account(owner.account, "tokens"), "ADD #balance :n", n=5)
    for account in ((), ("p3",), (owner.account,)):
        result = traded.laurel("ledger", "verify", *account, status=1)
        assert result.stdout.startswith(f"{owner.account} tokens: balance: expected ")
        assert result.stdout.count("\n") == 1
        assert result.stderr.endswith(", 1 difference\n")
    assert not traded.laurel("ledger", "verify", "p2").stdout
