"""A hold's writes: each guard by itself, since any of several would refuse a second end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.domain.ledger.holds import Hold
from chalicelib.domain.ledger.transfer import BURN, MINT, Transfer, transfer_id
from chalicelib.store.core.table import ConditionFailed, Table
from chalicelib.store.core.transaction import Transaction
from chalicelib.store.ledger.accounts import load_account
from chalicelib.store.ledger.double_entry import post_transfer
from chalicelib.store.ledger.holds import add_hold, load_hold, open_holds, open_holds_page, post_hold, void_hold
from tests.pipeline import plant as plants
from tests.simulated import Faults

ADA, PUBLIC = "a" * 32, "b" * 16
EXPIRES_IN_MS = 60_000


class Desk:
    """Ada's account of 100 tokens, and one hold of 40 on it."""

    def __init__(self, expires: bool) -> None:
        plant = plants.build(1, Faults())
        self.world, self.table = plant.world, plant.context.table
        now_ms = self.now_ms = self.world.now_ms()
        given = Transfer(transfer_id(now_ms, PUBLIC, "x"), "tokens", MINT, ADA, 100, "test", now_ms)
        self.commit(lambda tx: post_transfer(tx, given, "sim"))
        expires_at = now_ms + EXPIRES_IN_MS if expires else None
        self.hold = Hold(transfer_id(now_ms, PUBLIC, "y"), ADA, "tokens", 40, now_ms, expires_at)
        account = load_account(self.table, ADA, "tokens")
        self.commit(lambda tx: add_hold(tx, self.hold, account))

    def commit(self, add: Callable[[Transaction], None]) -> None:
        tx = self.table.transaction()
        add(tx)
        tx.commit()

    def post(self, now_ms: int, amount: int = 40) -> Hold:
        made = transfer_id(now_ms, PUBLIC, str(amount))
        posted = self.hold.as_posted(amount, made, now_ms)
        transfer = Transfer(made, "tokens", ADA, BURN, amount, "hold", now_ms)
        self.commit(lambda tx: post_hold(tx, self.hold, posted, transfer, "sim", now_ms))
        return posted

    def void(self, now_ms: int, as_of: int | None = None) -> Hold:
        """Void the hold. `as_of`: the moment it is written for, if it is not the one that the condition is given."""
        void = self.hold.as_void(now_ms if as_of is None else as_of)
        self.commit(lambda tx: void_hold(tx, self.hold, void, now_ms))
        return void

    def figures(self) -> tuple[int, int]:
        account = load_account(self.table, ADA, "tokens")
        return account.balance, account.available


@pytest.mark.parametrize("expires", [True, False])
def test_a_second_end_is_refused_by_the_open_item_and_by_the_done_one(expires: bool) -> None:
    desk = Desk(expires)
    posted = desk.post(desk.now_ms + 1, 30)
    for again in (lambda: desk.post(desk.now_ms + 2, 40), lambda: desk.void(desk.now_ms + 2)):
        with pytest.raises(ConditionFailed) as failed:
            again()
        assert failed.value.failed[:2] == (0, 1)
    assert desk.figures() == (70, 70)
    assert load_hold(desk.table, ADA, desk.hold.id, desk.now_ms) == posted


def test_the_clock_is_in_the_condition() -> None:
    desk = Desk(expires=True)
    expiry = desk.now_ms + EXPIRES_IN_MS
    for late in (
        lambda: desk.post(expiry),
        lambda: desk.void(expiry, as_of=expiry - 1),
        lambda: desk.void(expiry - 1, as_of=expiry),
    ):
        with pytest.raises(ConditionFailed) as failed:
            late()
        assert failed.value.failed == (0,)
    assert desk.figures() == (100, 60)
    assert desk.void(expiry).by_expiry
    assert desk.figures() == (100, 100)


def test_a_hold_resolved_during_the_read_is_found(monkeypatch: Any) -> None:
    """Test a batch read that found neither the done item, not yet there, nor the open one, already deleted."""
    desk = Desk(expires=True)
    posted = desk.post(desk.now_ms)
    monkeypatch.setattr(Table, "get_many", lambda *_, **__: {})
    assert load_hold(desk.table, ADA, desk.hold.id, desk.now_ms) == posted
    assert load_hold(desk.table, ADA, "0" * 37, desk.now_ms) is None


def test_an_item_says_all_of_a_hold() -> None:
    for expires in (True, False):
        desk = Desk(expires)
        assert open_holds_page(desk.table, ADA, 2) == ([desk.hold], False)
        assert list(open_holds(desk.table, ADA)) == [desk.hold] * expires
        if expires:
            assert load_hold(desk.table, ADA, desk.hold.id, desk.now_ms) == desk.hold
        ended = desk.post(desk.now_ms + 1, 7) if expires else desk.void(desk.now_ms + 1)
        assert load_hold(desk.table, ADA, desk.hold.id, desk.now_ms) == ended
        assert open_holds_page(desk.table, ADA, 2) == ([], False)
