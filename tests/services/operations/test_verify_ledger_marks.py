"""Verify finds manual additions to the ledger, and changes of attributes other than amounts."""

from __future__ import annotations

import pytest

from chalicelib.store.ledger import keys
from tests.services.boards.board_edits import edit
from tests.services.operations.ledger_edits import ASSET, Economy, differences, key_of, posting


@pytest.fixture
def economy() -> Economy:
    return Economy()


def test_a_posting_of_the_mint_in_none_of_its_partitions(economy: Economy) -> None:
    id_ = posting(economy.plant, economy.ada.account, 0)["sk"]["S"].removeprefix(keys.POSTING)
    row = economy.plant.context.table.get(keys.posting("@mint", economy.ada.account, ASSET, id_)) or {}
    elsewhere = keys.account("@mint", ASSET)[0]
    economy.plant.context.table.put(row | {"pk": {"S": elsewhere}})
    for whose in (None, "@mint"):
        line = f"@mint tokens: transfer {id_}: expected another partition, found {elsewhere}"
        assert line in differences(economy.plant, whose)


@pytest.mark.parametrize("by", ["0" * 37, ""])
def test_a_mark_of_no_correction(economy: Economy, by: str) -> None:
    """Test a mark that would make a request to correct the transfer return success."""
    pk, sk = keys.corrected(economy.sent)
    economy.plant.context.table.put({"pk": {"S": pk}, "sk": {"S": sk}, "by": {"S": by}})
    said = f"transfer {economy.sent}: expected {by or 'a transfer'} to reverse it, found none"
    assert differences(economy.plant) == [f"corrections all: {said}"]
    for player in (economy.ada, economy.bob):
        assert differences(economy.plant, player.player) == [f"{player.account} tokens: {said}"]


@pytest.mark.parametrize("attribute", ["note", "details", "rv"])
def test_a_posting_that_differs_from_its_other_side(economy: Economy, attribute: str) -> None:
    edit(economy.plant, key_of(posting(economy.plant, economy.ada.account, 1)), f"SET #{attribute} = :v", v="a debt")
    (line,) = differences(economy.plant)
    assert f"transfer {economy.sent}: expected the same in both postings, found " in line
    assert differences(economy.plant, "bob")


def test_both_postings_under_an_id_without_a_time(economy: Economy) -> None:
    table = economy.plant.context.table
    for owner, other in ((economy.ada, economy.bob), (economy.bob, economy.ada)):
        key = keys.posting(owner.account, other.account, ASSET, economy.sent)
        row = table.get(key) or {}
        table.delete(key)
        table.put(row | {"sk": {"S": key[1][:-1]}})
    (line,) = differences(economy.plant)
    assert f"transfer {economy.sent[:-1]}: expected another partition" in line


@pytest.mark.parametrize("sk", ["AALANCE", "BALANCE2", "POSTINGS#1"])
def test_an_item_that_is_neither_balance_nor_posting(economy: Economy, sk: str) -> None:
    """Test that such an item does not replace the balance, which is wrong here."""
    edit(economy.plant, economy.balance_key(economy.ada), "ADD #balance :n", n=5)
    right = {"balance": {"N": "170"}, "available": {"N": "130"}}
    economy.plant.context.table.put({"pk": {"S": economy.balance_key(economy.ada)[0]}, "sk": {"S": sk}} | right)
    account = economy.ada.account
    for whose in (None, "ada"):
        assert differences(economy.plant, whose) == [
            f"{account} tokens: items: expected a balance and postings, found {sk}",
            f"{account} tokens: balance: expected 170, found 175",
        ]


@pytest.mark.parametrize("expression", ["REMOVE #expiring", "ADD #expiring :n"])
def test_a_wrong_expiry_of_a_hold(economy: Economy, expression: str) -> None:
    """Test an expiry that would keep a hold permanently."""
    edit(economy.plant, economy.balance_key(economy.ada), expression, **({"n": 1} if "ADD" in expression else {}))
    (line,) = differences(economy.plant)
    assert line.startswith(f"{economy.ada.account} tokens: next expiry of a hold: expected ")


def test_an_open_hold_that_says_it_is_none(economy: Economy) -> None:
    hold = next(iter(economy.plant.context.table.query_all(keys.holds(economy.ada.account))))
    edit(economy.plant, key_of(hold), "SET #state = :v", v="void")
    assert differences(economy.plant) == [f"{economy.ada.account} tokens: available: expected 170, found 130"]
