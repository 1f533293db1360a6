"""Tests of the findings of verify: redemptions without their payment, hold or refund, and wrong counters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.services.operations import ledger_check as service
from chalicelib.services.operations.verify_ledger import verify_ledger
from chalicelib.services.rewards import verify_redemptions as proof
from chalicelib.store.core import keys as core_keys
from chalicelib.store.rewards import keys as rewards_keys
from chalicelib.store.rewards.proof import Kept
from tests.api.conftest import Site
from tests.api.http import Answer
from tests.api.rewards.shop import Shop
from tests.services.boards.board_edits import delete, edit


class Store(Shop):
    """A shop of ten mugs, of which Anna has redeemed one for each status."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.made: dict[str, str] = {}
        for status, resolution in (
            ("pending", ""),
            ("fulfilled", "fulfil"),
            ("cancelled", "cancel"),
            ("completed", ""),
            ("refunded", "refund"),
        ):
            fulfilment = status in ("pending", "fulfilled", "cancelled")
            assert self.put(stock=10, perPlayer=9, cost=100, requiresFulfilment=fulfilment).status == 200
            id_ = str(self.redeem(idempotency_key=status).json["redemption"]["id"])
            if resolution:
                assert self.resolve(id_, resolution).status == 200
            self.made[status] = id_
            site.world.sleep(1)
        owner = site.context.owners["anna"]
        self.account_id, self.public = owner.account, owner.public
        site.world.sleep(90)

    def row(self, status: str) -> core_keys.Key:
        return rewards_keys.redemption(self.public, self.made[status])

    def differences(self, account: str | None = None) -> list[str]:
        with self.site.world.acting_as("" if account else "verify_ledger"):
            found = verify_ledger(self.site.context, lambda: self.site.world.sleep(2), account)
        assert not found.restless
        return [str(each) for each in found.differences]


@pytest.fixture
def store(site: Site) -> Store:
    made = Store(site)
    assert made.differences() == made.differences("anna") == []
    return made


@pytest.mark.parametrize("status", ["pending", "fulfilled", "cancelled", "completed", "refunded"])
@pytest.mark.parametrize("said", ["pending", "fulfilled", "cancelled", "refunded", "lost"])
def test_a_wrong_status_is_found(store: Store, status: str, said: str) -> None:
    """Completed and fulfilled redemptions have the same payment."""
    alike = said == status or {said, status} == {"completed", "fulfilled"}
    edit(store.site.plant, store.row(status), "SET #status = :s", s=said)
    for account in (None, "anna"):
        lines = [
            line for line in store.differences(account) if f"redemption {store.made[status]}: expected {said}:" in line
        ]
        assert len(lines) == (not alike)


@pytest.mark.parametrize("status", ["pending", "completed"])
def test_a_wrong_cost_is_found(store: Store, status: str) -> None:
    edit(store.site.plant, store.row(status), "SET #cost = :n", n=99)
    (line,) = store.differences()
    assert f"{store.account_id} coins: redemption {store.made[status]}: expected {status}" in line


@pytest.mark.parametrize(
    ("expression", "value", "found"),
    [
        ("SET #sold = :n", 2, "sold of mug: expected 3, found 2"),
        ("ADD #sold :n", 5, "sold of mug: expected 3, found 8"),
    ],
)
def test_a_wrong_stock_is_found(store: Store, expression: str, value: Any, found: str) -> None:
    edit(store.site.plant, rewards_keys.stock("mug"), expression, n=value)
    assert store.differences() == [f"rewards all: {found}"]


def test_a_wrong_limit_is_found(store: Store) -> None:
    edit(store.site.plant, rewards_keys.redeemed(store.account_id, "mug"), "ADD #redeemed :n", n=-1)
    assert store.differences() == [f"{store.account_id} all: redeemed of mug: expected 3, found 2"]


def test_deleted_counters_are_found(store: Store) -> None:
    delete(store.site.plant, rewards_keys.stock("mug"))
    delete(store.site.plant, rewards_keys.redeemed(store.account_id, "mug"))
    assert sorted(store.differences()) == sorted(
        [
            f"{store.account_id} all: redeemed of mug: expected 3, found 0",
            "rewards all: sold of mug: expected 3, found 0",
        ]
    )


def test_a_deleted_redemption_is_found(store: Store) -> None:
    delete(store.site.plant, store.row("completed"))
    assert sorted(store.differences()) == sorted(
        [
            f"{store.account_id} all: redeemed of mug: expected 2, found 3",
            "rewards all: sold of mug: expected 2, found 3",
        ]
    )


def apart(store: Store, monkeypatch: pytest.MonkeyPatch, between: Callable[[], None]) -> None:
    """Put redemptions on one page and counters on the next; call `between` between the two."""
    real = service.scan_ledger

    def scan(table: Any, start: Any) -> Any:
        if start is None:
            page = real(table, None)
            return replace(page, kept=Kept(page.kept.redemptions), next={"pk": {"S": "x"}, "sk": {"S": "x"}})
        between()
        page = real(table, None)
        return replace(page, books=replace(page.books, rows=[], marks=[]), kept=Kept([], page.kept.counters))

    monkeypatch.setattr(service, "scan_ledger", scan)


@pytest.mark.parametrize("edited", [0, 1])
def test_redemptions_during_the_count_are_no_difference(
    store: Store, monkeypatch: pytest.MonkeyPatch, edited: int
) -> None:
    names = iter(("a", "b"))

    def redeem() -> None:
        name = next(names, None)
        if name:
            assert store.redeem(idempotency_key=name).status == 200

    store.put(stock=10, perPlayer=9, cost=1)
    edit(store.site.plant, rewards_keys.stock("mug"), "ADD #sold :n", n=edited)
    apart(store, monkeypatch, redeem)
    assert store.differences() == ["rewards all: sold of mug: expected 5, found 6"] * edited


def test_redemptions_all_the_time_leave_the_count_unproven(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = iter(range(100))
    store.put(stock=100, cost=1)
    apart(store, monkeypatch, lambda: assert_ok(store.redeem(idempotency_key=f"n{next(numbers)}")))
    with store.site.world.acting_as("verify_ledger"):
        found = verify_ledger(store.site.context, lambda: store.site.world.sleep(2))
    assert (found.differences, found.restless) == ([], ["rewards all sold of mug"])


def assert_ok(answer: Answer) -> None:
    assert answer.status == 200


def test_a_resolution_during_the_check_is_no_difference(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    real, resolutions = proof.read_amounts, ["cancel"]

    def read(*arguments: Any) -> Any:
        if resolutions:
            assert_ok(store.resolve(store.made["pending"], resolutions.pop()))
        return real(*arguments)

    monkeypatch.setattr(proof, "read_amounts", read)
    assert store.differences() == []
    assert not resolutions
