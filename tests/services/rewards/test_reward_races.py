"""Two requests about one reward, the first stopped at any of its calls while the other runs to its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from chalicelib import settings
from chalicelib.domain.core.errors import LaurelError
from chalicelib.domain.ledger.transfer import MINT, Transfer, transfer_id
from chalicelib.services.core.answer import Answer
from chalicelib.services.core.outbox import sweep_outbox
from chalicelib.services.identity.authenticate import Caller
from chalicelib.services.identity.owners import find_owner
from chalicelib.services.ledger.correct_transfer import CorrectionRequest, correct_transfer
from chalicelib.services.progress.create_key import create_key
from chalicelib.services.rewards.change_reward import RewardRequest, put_reward, retire_reward
from chalicelib.services.rewards.read_rewards import read_reward
from chalicelib.services.rewards.redeem_reward import RedeemRequest, redeem_reward
from chalicelib.services.rewards.resolve_redemption import resolve_redemption
from chalicelib.store.core.table import StoreError
from chalicelib.store.ledger.double_entry import post_transfer
from tests.boards.turns import ENDINGS, Strand, taking_turns
from tests.economy import books
from tests.pipeline import plant as plants
from tests.pipeline.plant import TABLE
from tests.simulated import Faults
from tests.simulated.savepoint import Savepoint

ROOT = Caller("root", "", frozenset(("admin", "player")))
Work = Callable[[], Any]


class Stage:
    """A reward of 100 coins, anna and bob with 1,000 each; two works to be played again and again."""

    def __init__(self) -> None:
        self.plant = plants.build(1, Faults(), plants.rules(settings.RULESETS / "default.toml"))
        self.context = self.plant.context
        self.callers = {name: self._player(name) for name in ("anna", "bob")}
        create_key(self.context, "root", ["admin"])

    def _player(self, name: str) -> Caller:
        create_key(self.context, name)
        owner, now_ms = find_owner(self.context, name), self.context.now_ms()
        id_ = transfer_id(now_ms, owner.public, "fund")
        transfer = Transfer(id_, "coins", MINT, owner.account, 1000, "test", now_ms)
        tx = self.context.table.transaction()
        post_transfer(tx, transfer, "sim")
        tx.commit()
        return Caller(name, "", frozenset(("player",)), owner.account, owner.public)

    def put(self, **limits: Any) -> None:
        request = RewardRequest(
            **({"name": "Mug", "description": "A mug.", "cost": 100, "asset": "coins"} | limits), type="goods"
        )
        put_reward(self.context, ROOT, "mug", request)

    def redeem(self, player: str = "anna", key: str = "k") -> Answer[Any]:
        return redeem_reward(self.context, self.callers[player], "mug", RedeemRequest(key))

    def resolve(self, redemption: str, resolution: Any) -> Answer[Any]:
        return resolve_redemption(self.context, ROOT, redemption, resolution)

    def play(self, first: Work, second: Work) -> Iterator[tuple[Any, Any]]:
        """Yield the final results of both, for every call that the first may stop at, and every way it continues."""
        self.plant.world.sleep(1)
        saved = Savepoint(self.plant.world.dynamodb.tables[TABLE])
        for ending in ENDINGS:
            place, stopped = 0, True
            while stopped:
                saved.restore()
                stopped = self._once(first, second, place, ending)
                place += 1
                ends = result_of(first), result_of(second)
                self._check()
                yield ends

    def _once(self, first: Work, second: Work, stop: int, ending: str) -> bool:
        with taking_turns():
            one, two = Strand(first), Strand(second)
            while not one.done and one.calls < stop:
                one.step()
            stopped = not one.done
            two.finish()
            if stopped:
                one.step(ending)
            one.finish()
        for each in (one, two):
            assert each.failed is None or isinstance(each.failed, LaurelError | StoreError), each.failed
        return stopped

    def _check(self) -> None:
        """Check that the ledger is in balance, that sales minus refunds are sold, and that the outbox is empty."""
        read = books.read(self.plant)
        assert books.findings(read) == []
        rows = books.rows_of(self.plant)
        live = [
            row for row in rows if row["pk"]["S"].startswith("REDEMPTION#") and row["status"]["S"] not in GIVEN_BACK
        ]
        sold = sum(int(row["sold"]["N"]) for row in rows if row["sk"]["S"] == "STOCK")
        assert sold == sum("stocked" in row for row in live)
        for row in rows:
            if row["pk"]["S"].startswith("REDEEMED#"):
                mine = [each for each in live if row["pk"]["S"].endswith(each["account"]["S"]) and "limited" in each]
                assert int(row["redeemed"]["N"]) == len(mine)
        self.plant.world.sleep(31)
        sweep_outbox(self.context)
        assert not books.read(self.plant).outbox

    def balance(self, player: str = "anna") -> tuple[int, int]:
        read, account = books.read(self.plant), (self.callers[player].account, "coins")
        return read.balances[account], read.available[account]


GIVEN_BACK = ("cancelled", "refunded")


def result_of(work: Work) -> Any:
    """Return the result of the (repeated) request: the outcome's status, or the refusal's code."""
    try:
        answer = work()
    except LaurelError as refusal:
        return refusal.code
    if isinstance(answer, Answer):
        return answer.outcome["redemption"]["status"] if not answer.refused else answer.outcome["code"]
    return "done"


@pytest.fixture
def stage() -> Iterator[Stage]:
    made = Stage()
    yield made
    made.plant.world.close()


def test_the_last_one_by_two(stage: Stage) -> None:
    stage.put(stock=1)
    results = set()
    for ends in stage.play(lambda: stage.redeem("anna"), lambda: stage.redeem("bob")):
        assert sorted(ends) == ["completed", "out_of_stock"]
        results.add(ends)
    assert len(results) == 2


def test_the_last_of_a_player_by_two_requests(stage: Stage) -> None:
    stage.put(per_player=1)
    for ends in stage.play(lambda: stage.redeem(key="k1"), lambda: stage.redeem(key="k2")):
        assert sorted(ends) == ["completed", "limit_reached"]
        assert stage.balance() == (900, 900)


@pytest.mark.parametrize("fulfilment", [False, True])
def test_the_same_request_twice_at_once(stage: Stage, fulfilment: bool) -> None:
    stage.put(stock=5, per_player=5, requires_fulfilment=fulfilment)
    for _ in stage.play(stage.redeem, stage.redeem):
        assert stage.balance() == (1000 if fulfilment else 900, 900)


def test_the_last_coins_by_two(stage: Stage) -> None:
    stage.put(cost=600)
    for ends in stage.play(lambda: stage.redeem(key="k1"), lambda: stage.redeem(key="k2")):
        assert sorted(ends) == ["completed", "insufficient_balance"]


def pending(stage: Stage, **limits: Any) -> str:
    stage.put(requires_fulfilment=True, **limits)
    return str(stage.redeem().outcome["redemption"]["id"])


def test_a_cancelled_unit_can_be_redeemed(stage: Stage) -> None:
    """Test that a redemption before the cancellation is out of stock, and succeeds when repeated."""
    id_ = pending(stage, stock=1)
    for ends in stage.play(lambda: stage.redeem("bob"), lambda: stage.resolve(id_, "cancel")):
        assert ends == ("pending", "cancelled")
    for ends in stage.play(lambda: stage.resolve(id_, "cancel"), lambda: stage.redeem("bob")):
        assert ends in (("cancelled", "pending"), ("cancelled", "out_of_stock"))


@pytest.mark.parametrize(("first", "second"), [("fulfil", "cancel"), ("cancel", "fulfil")])
def test_either_fulfilled_or_cancelled(stage: Stage, first: Any, second: Any) -> None:
    id_ = pending(stage, stock=1, per_player=1)
    for ends in stage.play(lambda: stage.resolve(id_, first), lambda: stage.resolve(id_, second)):
        assert "redemption_resolved" in ends
        fulfilled = "fulfilled" in ends
        assert stage.balance() == ((900, 900) if fulfilled else (1000, 1000))
        assert read_reward(stage.context, "mug").left == (0 if fulfilled else 1)


@pytest.mark.parametrize("resolution", ["fulfil", "cancel"])
def test_the_same_decision_twice_at_once(stage: Stage, resolution: Any) -> None:
    id_ = pending(stage, stock=1, per_player=1)
    for ends in stage.play(lambda: stage.resolve(id_, resolution), lambda: stage.resolve(id_, resolution)):
        assert ends[0] == ends[1] != "redemption_resolved"


def test_a_refund_or_a_correction(stage: Stage) -> None:
    stage.put(stock=1)
    id_ = str(stage.redeem().outcome["redemption"]["id"])

    def correct() -> Any:
        correct_transfer(stage.context, ROOT, CorrectionRequest(id_))

    def refund() -> Answer[Any]:
        return stage.resolve(id_, "refund")

    for first, second in ((refund, correct), (correct, refund)):
        for _ in stage.play(first, second):
            assert stage.balance() == (1000, 1000)


@pytest.mark.parametrize("stock", [0, 1, 5, None])
def test_a_change_of_the_stock(stage: Stage, stock: int | None) -> None:
    """Test that no sale is lost, and that none exceeds either stock."""
    stage.put(stock=2)
    stage.redeem("bob", "before")

    def change() -> None:
        stage.put(stock=stock)

    for works in ((stage.redeem, change), (change, stage.redeem)):
        for ends in stage.play(*works):
            shown = read_reward(stage.context, "mug")
            redeemed = ends[works.index(stage.redeem)]
            assert shown.stock == stock
            if stock is not None:
                assert redeemed in ("completed", "out_of_stock")
                assert shown.left == max(0, stock - 1 - (redeemed == "completed"))


def test_a_redemption_pays_the_price_of_its_moment(stage: Stage) -> None:
    """Test that the write checks a limited reward: a reward that is retired is never taken."""
    stage.put(stock=9)

    def change() -> None:
        stage.put(stock=9, cost=250)

    results = []
    for _ in stage.play(stage.redeem, change):
        paid = 1000 - stage.balance()[0]
        (row,) = [row for row in books.rows_of(stage.plant) if row["pk"]["S"].startswith("REDEMPTION#")]
        assert int(row["cost"]["N"]) == paid
        results.append(paid)
    # Before its first read, and between that and its write.
    assert results[:2] == [250, 250]
    assert set(results) == {100, 250}


@pytest.mark.parametrize("stock", [None, 3])
def test_a_reward_retired_during_a_redemption(stage: Stage, stock: int | None) -> None:
    """Test that a reward without a stock is not checked in the write: a request that read it before redeems it."""
    stage.put(stock=stock)
    results = [ends[0] for ends in stage.play(stage.redeem, lambda: retire_reward(stage.context, ROOT, "mug"))]
    assert results[:2] == ["not_available", "not_available" if stock else "completed"]
    for ends in stage.play(lambda: retire_reward(stage.context, ROOT, "mug"), stage.redeem):
        assert ends[0] == "done"


def test_two_changes_at_once(stage: Stage) -> None:
    """Test that they follow in the order of their writes, and that each is on record."""
    stage.put(stock=1)

    def first() -> None:
        stage.put(stock=2, name="First")

    def second() -> None:
        stage.put(stock=3, name="Second")

    for _ in stage.play(first, second):
        shown = read_reward(stage.context, "mug")
        assert (shown.name, shown.stock) in (("First", 2), ("Second", 3))
