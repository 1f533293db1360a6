"""A transfer's writes: two postings that sum to zero, balances that never go below what is there."""

from __future__ import annotations

import pytest

from chalicelib.domain.ledger.transfer import MINT, Transfer, transfer_id
from chalicelib.domain.ledger.transfer_limits import MAX_NOTE
from chalicelib.domain.progress.effect import Credit
from chalicelib.store.core.item_size import item_size
from chalicelib.store.core.table import ConditionFailed
from chalicelib.store.core.transaction import InvalidTransaction
from chalicelib.store.ledger import keys
from chalicelib.store.ledger.double_entry import post_transfer
from chalicelib.store.ledger.models import BalanceItem, PostingItem
from chalicelib.store.ledger.player_ledger import PlayerLedger
from tests.pipeline import plant as plants
from tests.pipeline.plant import TABLE, Plant
from tests.simulated import Faults
from tests.simulated.capacity import WRITE_BYTES

ADA, BOB = "a" * 32, "b" * 32


@pytest.fixture
def plant() -> Plant:
    return plants.build(1, Faults())


def move(plant: Plant, number: int, source: str, target: str, amount: int) -> None:
    transfer = Transfer(f"{number:037d}", "tokens", source, target, amount, "test", plant.context.now_ms())
    tx = plant.context.table.transaction()
    post_transfer(tx, transfer, "sim")
    tx.commit()


def balance(plant: Plant, account: str) -> tuple[int, int]:
    item = plant.context.table.get(keys.account(account, "tokens"))
    assert item is not None
    row = BalanceItem.from_raw_data(item)
    return int(row.balance), int(row.available)


def postings(plant: Plant) -> list[int]:
    items = [row[0] for (_, sk), row in plant.world.dynamodb.tables[TABLE].rows.items() if sk.startswith("POSTING#")]
    return [int(PostingItem.from_raw_data(item).amount) for item in items]


def test_a_balance_is_the_sum_of_its_postings(plant: Plant) -> None:
    move(plant, 1, MINT, ADA, 100)
    move(plant, 2, ADA, BOB, 60)
    assert balance(plant, ADA) == (40, 40)
    assert balance(plant, BOB) == (60, 60)
    assert sorted(postings(plant)) == [-100, -60, 60, 100]


@pytest.mark.parametrize(("source", "amount"), [(ADA, 101), (BOB, 1)])
def test_a_missing_amount_cannot_be_sent(plant: Plant, source: str, amount: int) -> None:
    move(plant, 1, MINT, ADA, 100)
    with pytest.raises(ConditionFailed):
        move(plant, 2, source, BOB if source == ADA else ADA, amount)
    assert balance(plant, ADA) == (100, 100)
    assert sum(postings(plant)) == 0


def test_the_same_transfer_is_not_made_twice(plant: Plant) -> None:
    move(plant, 1, MINT, ADA, 100)
    with pytest.raises(ConditionFailed):
        move(plant, 1, MINT, ADA, 100)
    assert balance(plant, ADA) == (100, 100)


def test_the_mint_has_postings_and_no_balance(plant: Plant) -> None:
    move(plant, 1, MINT, ADA, 100)
    partitions = [pk for pk, _ in plant.world.dynamodb.tables[TABLE].rows if pk.startswith("ACCOUNT#@mint#tokens#")]
    assert len(partitions) == 1
    assert plant.context.table.get(keys.account(MINT, "tokens")) is None


@pytest.mark.parametrize("amount", [1, 9_999])
def test_both_postings_with_the_longest_note_are_two_units_each(plant: Plant, amount: int) -> None:
    """Test the longest names of versions and assets; all else of a transfer's key and body has fixed lengths."""
    made = transfer_id(1_779_192_000_000, "u" * 16, "k")
    details = {"note": "\U0001f600" * MAX_NOTE, "public": "v" * 16}
    details_for = {ADA: details, BOB: details}
    transfer = Transfer(made, "a" * 24, ADA, BOB, amount, "transfer", 1_779_192_000_000, details_for=details_for)
    tx = plant.context.table.transaction()
    post_transfer(tx, transfer, "r" * 12)
    sizes = [item_size(each["Put"]["Item"]) for each in tx.requests() if "Put" in each]
    assert len(sizes) == 2
    assert max(sizes) <= WRITE_BYTES


@pytest.mark.parametrize(("source", "target"), [(MINT, ADA), (ADA, BOB)])
def test_a_transfer_without_one_of_its_postings_is_not_committed(
    plant: Plant, monkeypatch: pytest.MonkeyPatch, source: str, target: str
) -> None:
    move(plant, 1, MINT, ADA, 100)
    both = Transfer.postings
    for side in (0, 1):
        with monkeypatch.context() as patch:
            patch.setattr(Transfer, "postings", lambda transfer, side=side: both(transfer)[side : side + 1])
            with pytest.raises(InvalidTransaction, match=f"transfer {2:037d} sum to {(-5, 5)[side]}, not to 0"):
                move(plant, 2, source, target, 5)
    assert balance(plant, ADA) == (100, 100)
    assert sorted(postings(plant)) == [-100, 100]


def test_several_transfers_of_one_transaction_are_each_in_balance(plant: Plant) -> None:
    tx = plant.context.table.transaction()
    for number, amount in ((1, 5), (2, 7)):
        post_transfer(tx, Transfer(f"{number:037d}", "tokens", MINT, ADA, amount, "test", 0), "sim")
    assert len(tx) == 5, "four postings, and one balance"
    tx.commit()
    assert balance(plant, ADA) == (12, 12)
    assert sorted(postings(plant)) == [-7, -5, 5, 7]


def test_two_debits_of_one_account_are_not_made_together(plant: Plant) -> None:
    """Test that two debits are refused, since the condition on the available amount knows one of them alone."""
    move(plant, 1, MINT, ADA, 100)
    tx = plant.context.table.transaction()
    post_transfer(tx, Transfer(f"{2:037d}", "tokens", ADA, BOB, 60, "test", 0), "sim")
    with pytest.raises(InvalidTransaction, match="is updated twice"):
        post_transfer(tx, Transfer(f"{3:037d}", "tokens", ADA, BOB, 60, "test", 0), "sim")


def test_the_ledger_pays_credits_and_returns_balances(plant: Plant) -> None:
    ledger, table = PlayerLedger(), plant.context.table
    credits_ = [Credit("tokens", 5, "e1", {"a": 5}), Credit("coins", 1, "e1", {"b": 1}), Credit("tokens", 7, "e2", {})]
    tx = table.transaction()
    ledger.pay(tx, ADA, "u" * 16, credits_, "sim", plant.context.now_ms())
    assert len(tx) == ledger.items_per_credit * len(credits_) - 1
    tx.commit()
    assert ledger.balances(table, ADA, ["coins", "tokens", "gems"]) == {"coins": 1, "tokens": 12, "gems": 0}
