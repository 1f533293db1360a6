"""Verify finds every manual edit of the ledger, and no difference during transfers."""

from __future__ import annotations

import random
from typing import Any

import pytest

from chalicelib.domain.core.errors import InvalidRequest, NotFound
from chalicelib.domain.identity.owner import Owner
from chalicelib.domain.ledger.transfer import Transfer, transfer_id
from chalicelib.services.ledger.grant_tokens import GrantRequest, grant_tokens
from chalicelib.services.ledger.place_hold import HoldRequest, place_hold
from chalicelib.services.ledger.transfer_tokens import TransferRequest, transfer_tokens
from chalicelib.services.operations import suspects as service
from chalicelib.services.operations.verify_ledger import verify_ledger
from chalicelib.store.ledger import keys
from chalicelib.store.ledger.double_entry import post_transfer
from tests.services.boards.board_edits import delete, edit
from tests.services.operations.ledger_edits import (
    ASSET,
    Economy,
    caller,
    differences,
    key_of,
    load,
    players,
    posting,
    verify,
)


@pytest.fixture
def economy() -> Economy:
    return Economy()


def test_a_ledger_that_is_right(economy: Economy) -> None:
    verified = verify(economy.plant)
    assert not verified.differences
    assert (verified.transfers, verified.postings, verified.accounts) == (7, 14, 3)
    economy.plant.world.sleep(86_400)
    assert not differences(economy.plant), "holds that expired and were not swept are held still"


def test_one_account_or_one_asset(economy: Economy) -> None:
    by_player, by_account = verify(economy.plant, "ada"), verify(economy.plant, economy.ada.account)
    assert (by_player.postings, by_player.accounts) == (by_account.postings, by_account.accounts) == (6, 2)
    assert verify(economy.plant, "ada", "coins").postings == 1
    coins = verify(economy.plant, None, "coins")
    assert (coins.transfers, coins.postings) == (1, 2)
    assert verify(economy.plant, "@mint").postings == 2
    for nobody in ("nobody", "no body", "f" * 32, "root"):
        with pytest.raises(NotFound):
            verify(economy.plant, nobody)
    with pytest.raises(InvalidRequest):
        verify(economy.plant, None, "gold")


def test_an_edited_balance(economy: Economy) -> None:
    edit(economy.plant, economy.balance_key(economy.ada), "ADD #balance :n", n=1)
    account = economy.ada.account
    assert differences(economy.plant) == [f"{account} tokens: balance: expected 170, found 171"]
    assert differences(economy.plant, "ada") == [f"{account} tokens: balance: expected 170, found 171"]
    assert differences(economy.plant, "bob") == []


def test_an_edited_available(economy: Economy) -> None:
    edit(economy.plant, economy.balance_key(economy.ada), "ADD #available :n", n=1)
    assert differences(economy.plant) == [f"{economy.ada.account} tokens: available: expected 130, found 131"]


def test_a_hold_without_a_held_amount(economy: Economy) -> None:
    edit(economy.plant, economy.balance_key(economy.ada), "SET #available = #balance")
    assert differences(economy.plant) == [f"{economy.ada.account} tokens: available: expected 130, found 170"]
    hold = next(iter(economy.plant.context.table.query_all(keys.holds(economy.ada.account))))
    table = economy.plant.context.table
    table.put(hold | {"pk": {"S": keys.holds("f" * 32)}})
    assert f"{'f' * 32} tokens: balance: expected 0, found none" in differences(economy.plant)


def test_a_posting_deleted_on_either_side(economy: Economy) -> None:
    row = posting(economy.plant, economy.ada.account, 1)
    delete(economy.plant, key_of(row))
    found = differences(economy.plant)
    assert found[-1:] == ["all accounts tokens: sum: expected 0, found 50"]
    assert (
        f"{economy.bob.account} tokens: transfer {economy.sent}: expected {economy.ada.account} with -50, found none"
        in found
    )
    assert f"{economy.ada.account} tokens: balance: expected 220, found 170" in found
    assert len(found) == 3


def test_a_posting_of_the_mint_deleted(economy: Economy) -> None:
    row = posting(economy.plant, economy.ada.account, 0)
    id_ = row["sk"]["S"].removeprefix(keys.POSTING)
    delete(economy.plant, keys.posting("@mint", economy.ada.account, ASSET, id_))
    assert differences(economy.plant) == [
        f"{economy.ada.account} tokens: transfer {id_}: expected @mint with -200, found none",
        "all accounts tokens: sum: expected 0, found 200",
    ]


def test_both_postings_deleted(economy: Economy) -> None:
    row = posting(economy.plant, economy.ada.account, 0)
    delete(economy.plant, key_of(row))
    delete(economy.plant, keys.posting("@mint", economy.ada.account, ASSET, row["sk"]["S"].removeprefix(keys.POSTING)))
    account = economy.ada.account
    assert differences(economy.plant) == [
        f"{account} tokens: balance: expected -30, found 170",
    ]


@pytest.mark.parametrize(("change", "value"), [("amount", -51), ("amount", 50), ("amount", 0), ("other", "f" * 32)])
def test_a_posting_edited(economy: Economy, change: str, value: Any) -> None:
    edit(economy.plant, key_of(posting(economy.plant, economy.ada.account, 1)), f"SET #{change} = :v", v=value)
    found = differences(economy.plant)
    assert len([line for line in found if f"transfer {economy.sent}" in line]) == 1
    assert any("balance" in line for line in found) == (change == "amount")
    assert any("sum" in line for line in found) == (change == "amount")


def test_a_posting_that_is_a_text(economy: Economy) -> None:
    edit(economy.plant, key_of(posting(economy.plant, economy.ada.account, 1)), "SET #amount = :v", v="much")
    assert any(f"transfer {economy.sent}" in line for line in differences(economy.plant))


@pytest.mark.parametrize("where", ["own", "other"])
def test_a_posting_doubled(economy: Economy, where: str) -> None:
    row = posting(economy.plant, economy.ada.account, 1)
    double = row | {"sk": {"S": row["sk"]["S"][:-1] + "x"}}
    if where == "other":
        double = row | {"pk": {"S": economy.balance_key(economy.root)[0]}}
    economy.plant.context.table.put(double)
    found = differences(economy.plant)
    assert any("transfer" in line and "expected" in line for line in found)
    assert any("balance: expected" in line for line in found)


def test_a_posting_of_the_mint_doubled(economy: Economy) -> None:
    """Test a copy in another of the mint's partitions, where its key does not belong."""
    id_ = posting(economy.plant, economy.ada.account, 0)["sk"]["S"].removeprefix(keys.POSTING)
    pk, sk = keys.posting("@mint", economy.ada.account, ASSET, id_)
    row = economy.plant.context.table.get((pk, sk)) or {}
    elsewhere = pk[:-2] + ("00" if not pk.endswith("00") else "01")
    economy.plant.context.table.put(row | {"pk": {"S": elsewhere}})
    found = differences(economy.plant)
    assert f"@mint tokens: transfer {id_}: expected another partition, found {elsewhere}" in found
    assert "all accounts tokens: sum: expected 0, found -200" in found


def test_postings_without_a_balance(economy: Economy) -> None:
    delete(economy.plant, economy.balance_key(economy.bob))
    assert differences(economy.plant) == [f"{economy.bob.account} tokens: balance: expected 25, found none"]


def test_a_system_account_with_a_balance(economy: Economy) -> None:
    table = economy.plant.context.table
    table.put({"pk": {"S": "ACCOUNT#@mint#tokens"}, "sk": {"S": "BALANCE"}, "balance": {"N": "-200"}})
    assert differences(economy.plant) == ["@mint tokens: balance: expected none, found -200"]


def test_more_held_than_there_is(economy: Economy) -> None:
    hold = next(iter(economy.plant.context.table.query_all(keys.holds(economy.ada.account))))
    edit(economy.plant, key_of(hold), "SET #amount = :n", n=300)
    edit(economy.plant, economy.balance_key(economy.ada), "SET #available = :n", n=-130)
    assert differences(economy.plant) == [f"{economy.ada.account} tokens: available: expected 0 or more, found -130"]


def test_a_balance_below_nothing(economy: Economy) -> None:
    """Test a negative balance with postings of the same sum."""
    plant, account, now_ms = economy.plant, economy.ada.account, economy.plant.world.now_ms()
    made = Transfer(transfer_id(now_ms, economy.ada.public, "x"), ASSET, account, "@burn", 300, "grant", now_ms)
    tx = plant.context.table.transaction()
    post_transfer(tx, made, "sim")
    for write in tx.requests():
        if "Put" in write:
            plant.context.table.put(write["Put"]["Item"])
    edit(plant, economy.balance_key(economy.ada), "ADD #balance :n, #available :n", n=-300)
    assert differences(plant) == [
        f"{account} tokens: balance: expected 0 or more, found -130",
    ]


def test_a_correction_of_nothing(economy: Economy) -> None:
    table = economy.plant.context.table
    row = next(
        row for row in table.query_all(economy.balance_key(economy.ada)[0]) if row.get("kind") == {"S": "correction"}
    )
    original = row["details"]["S"].split('"')[3]
    table.delete(keys.corrected(original))
    assert differences(economy.plant) == [
        f"{economy.ada.account} tokens: transfer {economy.corrected}: expected {original} corrected by it, found none"
    ] or differences(economy.plant) == [
        f"{economy.bob.account} tokens: transfer {economy.corrected}: expected {original} corrected by it, found none"
    ]
    for sign, owner in ((1, economy.ada), (-1, economy.bob)):
        other = economy.bob if sign == 1 else economy.ada
        place = keys.posting(owner.account, other.account, ASSET, economy.corrected)
        edit(economy.plant, place, "SET #details = :d", d='{"corrects":"' + "0" * 37 + '"}')
    (line,) = differences(economy.plant)
    assert f"transfer {economy.corrected}: expected {'0' * 37} to correct" in line
    for owner, other in ((economy.ada, economy.bob), (economy.bob, economy.ada)):
        place = keys.posting(owner.account, other.account, ASSET, economy.corrected)
        edit(economy.plant, place, "REMOVE #details")
    (line,) = differences(economy.plant)
    assert f"transfer {economy.corrected}: expected a transfer to correct" in line


def test_the_list_of_differences_is_limited(economy: Economy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "MAX_REPORTED", 3)
    monkeypatch.setattr(service, "MAX_SUSPECTS", 2)
    load(economy.plant, players(economy.plant, [f"p{n}" for n in range(8)]), 40)
    for number in range(8):
        (owner,) = players(economy.plant, [f"p{number}"])
        edit(economy.plant, economy.balance_key(owner), "ADD #balance :n", n=1)
    verified = verify(economy.plant)
    assert (len(verified.differences), verified.more) == (3, True)


# While others write ------------------------------------------------------------------------------------------------


def test_transfers_in_flight_are_no_differences(economy: Economy) -> None:
    """Test players that send, hold and are granted tokens between any two reads of the proof."""
    plant, world, rng = economy.plant, economy.plant.world, random.Random(2)
    owners = players(plant, [f"p{n}" for n in range(6)])
    for owner in owners:
        economy.grant(owner, 1000)

    def act(owner: Owner) -> None:
        for number in range(25):
            other = rng.choice([each for each in owners if each is not owner])
            if number % 3 == 0:
                transfer_tokens(plant.context, caller(owner), TransferRequest(other.player, 5, f"w{number}"))
            amount = rng.choice([-3, 4])
            request = GrantRequest(other.player, ASSET, amount, "test", f"{owner.player}-{number}")
            grant_tokens(plant.context, caller(economy.root), request)
            place_hold(plant.context, caller(owner), HoldRequest(1, ASSET, f"h{number}", 1))
            world.sleep(rng.uniform(0, 0.4))

    waits: list[int] = []

    def wait() -> None:
        waits.append(world.now_ms())
        world.sleep(0.3)

    def prove() -> list[Any]:
        found: list[Any] = []
        for _ in range(6):
            verified = verify_ledger(plant.context, wait)
            found += [*verified.differences, *verified.restless]
        return found

    for owner in owners:
        world.spawn(owner.player, act, owner)
    provers = [world.spawn(f"prover-{n}", prove) for n in range(4)]
    world.run()
    assert [prover.result for prover in provers] == [[]] * 4
    assert len(waits) > 4, "something looked wrong at first"
    assert not differences(plant)
