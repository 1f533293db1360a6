"""Verify on a table of thousands of transfers."""

from __future__ import annotations

import random

import pytest

from chalicelib.services.ledger.transfer_tokens import TransferRequest, transfer_tokens
from tests.services.boards.board_edits import edit
from tests.services.operations.ledger_edits import Economy, caller, differences, load, players, verify


@pytest.mark.parametrize("transfers", [2_000, pytest.param(10_000, marks=pytest.mark.proof)])
def test_many_transfers_and_one_edited_balance(transfers: int) -> None:
    economy = Economy()
    owners = players(economy.plant, [f"p{n}" for n in range(150)])
    load(economy.plant, owners, transfers)
    rng = random.Random(4)
    made = 0
    for number in range(300):
        sender, other = rng.sample(owners, 2)
        request = TransferRequest(other.player, rng.randint(1, 50), f"real{number}")
        economy.plant.world.sleep(1)
        made += transfer_tokens(economy.plant.context, caller(sender), request).refused is None
    assert made > 250
    verified = verify(economy.plant)
    assert (verified.differences, verified.restless) == ([], [])
    assert (verified.transfers, verified.accounts) == (transfers + made + 7, 153)
    assert verified.postings == 2 * verified.transfers
    wrong = owners[77]
    edit(economy.plant, economy.balance_key(wrong), "ADD #balance :n, #available :n", n=1)
    (line,) = [line for line in differences(economy.plant) if " balance:" in line]
    assert line.startswith(f"{wrong.account} tokens: balance: expected ")
