"""A transfer's writes: two postings that sum to zero, balances that never go below what is there."""

from __future__ import annotations

import pytest

from chalicelib.domain.ledger.transfer import MINT, Transfer, transfer_id
from chalicelib.domain.ledger.transfer_limits import MAX_NOTE
from chalicelib.store.core.item_size import item_size
from chalicelib.store.core.table import ConditionFailed
from chalicelib.store.ledger import keys
from chalicelib.store.ledger.double_entry import transfer_writes
from chalicelib.store.ledger.models import BalanceItem, PostingItem
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
    plant.context.table.transact(transfer_writes(TABLE, transfer, "sim"))


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
def test_what_is_not_there_cannot_be_sent(plant: Plant, source: str, amount: int) -> None:
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
def test_both_postings_with_the_longest_note_are_two_units_each(amount: int) -> None:
    """Whatever a ruleset calls its version and its assets; all else of a transfer's key and body has fixed lengths."""
    made = transfer_id(1_779_192_000_000, "u" * 16, "k")
    details = {"note": "\U0001f600" * MAX_NOTE, "public": "v" * 16}
    seen_by = {ADA: details, BOB: details}
    transfer = Transfer(made, "a" * 24, ADA, BOB, amount, "transfer", 1_779_192_000_000, seen_by=seen_by)
    sizes = [item_size(each["Put"]["Item"]) for each in transfer_writes(TABLE, transfer, "r" * 12) if "Put" in each]
    assert len(sizes) == 2
    assert max(sizes) <= WRITE_BYTES
