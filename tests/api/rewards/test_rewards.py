"""Tests of rewards over HTTP: the catalogue, redemptions, the order of refusals, costs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib.domain.core.periods import moment_name
from chalicelib.domain.rewards.rewards import MAX_REWARDS
from chalicelib.services.identity.authenticate import authenticate
from chalicelib.services.rewards.redeem_reward import RedeemRequest, redeem_reward
from chalicelib.store.core.table import Table
from chalicelib.store.rewards import rewards as store
from tests.api.conftest import Site
from tests.api.rewards.shop import MUG, REPLAYED, Shop
from tests.economy import books


@pytest.fixture
def shop(site: Site) -> Iterator[Shop]:
    """Yield a shop; check that its ledger is in balance afterwards."""
    made = Shop(site)
    yield made
    assert books.findings(books.read(site.plant)) == []


def test_the_catalogue(shop: Shop) -> None:
    made = shop.put(stock=25, perPlayer=1, requiresFulfilment=True, availableUntil="2026-06-01T02:00:00+02:00")
    shown = MUG | {
        "id": "mug",
        "requiresFulfilment": True,
        "available": True,
        "stock": 25,
        "left": 25,
        "perPlayer": 1,
        "availableUntil": "2026-06-01T00:00:00.000Z",
    }
    assert (made.status, made.json) == (200, shown)
    assert shop.show() == shown
    shop.put("cap", cost=200)
    shop.put("bag", cost=300)
    assert [each["id"] for each in shop.site.get("/rewards", shop.anna).json["rewards"]] == ["cap", "bag", "mug"]
    assert shop.site.get("/rewards", shop.anna).json["rewards"][2] == shown


def test_a_reward_is_retired_and_brought_back(shop: Shop) -> None:
    shop.put()
    assert shop.retire().json["retired"] is True
    assert shop.retire().json == shop.show()
    assert shop.show()["available"] is False
    assert shop.site.get("/rewards", shop.anna).json == {"rewards": []}
    assert shop.redeem().json["code"] == "not_available"
    assert "retired" not in shop.put(cost=5).json
    assert shop.redeem().json["redemption"]["cost"] == 5
    assert shop.retire("nothing").status == 404


def test_a_change_of_the_catalogue_is_audited_once(shop: Shop) -> None:
    for _ in range(2):
        shop.put()
    shop.put(cost=400)
    for _ in range(2):
        shop.retire()
    rows = shop.rows("AUDIT#")
    assert [row["what"]["S"] for row in rows] == ["reward.changed", "reward.changed", "reward.retired"]
    assert {row["by"]["S"] for row in rows} == {"root"}


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"cost": 0}, "cost"),
        ({"cost": 10**12 + 1}, "cost"),
        ({"cost": 1.5}, "cost"),
        ({"cost": True}, "cost"),
        ({"asset": "tokens"}, "asset"),
        ({"asset": "gold"}, "asset"),
        ({"name": ""}, "name"),
        ({"name": " "}, "name"),
        ({"name": "x" * 61}, "name"),
        ({"name": "\u3164"}, "name"),
        ({"name": "Mug\u200d"}, "name"),
        ({"description": "\u2800"}, "description"),
        ({"description": "a\u0000"}, "description"),
        ({"type": "two words"}, "type"),
        ({"stock": -1}, "stock"),
        ({"stock": 10**9 + 1}, "stock"),
        ({"perPlayer": 0}, "perPlayer"),
        ({"perPlayer": 1001}, "perPlayer"),
        ({"availableFrom": "tomorrow"}, "availableFrom"),
        ({"availableFrom": "2026-05-01T00:00:00"}, "availableFrom"),
        ({"availableFrom": "2026-05-01T00:00:00Z", "availableUntil": "2026-05-01T00:00:00Z"}, "availableUntil"),
        ({"requiresFulfilment": 1}, "requiresFulfilment"),
        ({"sold": 1}, "sold"),
    ],
)
def test_a_wrong_reward_is_refused(shop: Shop, changes: dict[str, Any], named: str) -> None:
    answer = shop.put(**changes)
    assert answer.status == 400
    assert named in answer.json["error"]
    assert shop.site.get("/rewards/mug", shop.anna).status == 404


def test_a_name_is_normalized(shop: Shop) -> None:
    assert shop.put(name=" Coffee\u3000 mug ").json["name"] == "Coffee mug"
    audited = len(shop.rows("AUDIT#"))
    assert shop.put(name="Coffee  mug").json["name"] == "Coffee mug"
    assert len(shop.rows("AUDIT#")) == audited, "it is the same name"
    assert shop.put(name="Feather \U0001fabf \U0001fae9").json["name"] == "Feather \U0001fabf \U0001fae9"


@pytest.mark.parametrize("reward", ["Mug", "a--b", "-a", "a-", "x" * 49, "a%0A", "a%20b", "x" * 3000])
def test_a_wrong_id_is_refused(shop: Shop, reward: str) -> None:
    """The table does not accept every such id as a key."""
    assert shop.put(reward).status == 400
    asked = (shop.redeem(reward), shop.retire(reward), shop.site.get(f"/rewards/{reward}", shop.anna))
    assert [answer.status for answer in asked] == [404] * 3


def test_two_hundred_rewards(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_REWARDS == 200
    monkeypatch.setattr("chalicelib.services.rewards.change_reward.MAX_REWARDS", 2)
    for reward in ("a", "b"):
        shop.put(reward)
    assert shop.put("c").json["code"] == "too_many_rewards"
    shop.retire("a")
    assert shop.put("c").status == 200
    assert shop.put("a").json["code"] == "too_many_rewards"
    assert store.count_rewards(shop.site.context.table) == 2


def test_a_redemption_and_its_replay(shop: Shop) -> None:
    shop.put()
    first = shop.redeem()
    redemption = first.json["redemption"]
    assert first.status == 200
    assert first.json == {"success": True, "redemption": redemption, "balance": 700}
    assert redemption == {
        "id": redemption["id"],
        "rewardId": "mug",
        "cost": 300,
        "asset": "coins",
        "status": "completed",
        "createdAt": moment_name(shop.site.world.now_ms()),
    }
    shop.put(cost=999)
    shop.site.world.sleep(60)
    again = shop.redeem()
    assert (again.status, again.text, again.headers[REPLAYED]) == (200, first.text, "true")
    assert shop.account() == (700, 700)
    assert len(shop.rows("REDEMPTION#")) == 1
    assert shop.domain_events() == ["reward.redeemed"]
    assert not shop.rows("OUTBOX#")
    assert shop.redeem("cap").json["code"] == "idempotency_conflict"
    assert shop.site.get("/redemptions", shop.anna).json == {"redemptions": [redemption], "cursor": None}


def test_no_row_names_the_player(shop: Shop) -> None:
    shop.put(stock=5, perPlayer=2, requiresFulfilment=True)
    shop.redeem()
    for prefix in ("REDEMPTION#", "REDEEMED#", "HOLD#", "REWARD#", "IDEMPOTENCY#", "ACCOUNT#"):
        rows = shop.rows(prefix)
        assert rows
        assert "anna" not in str(rows)


def test_the_order_of_refusals(shop: Shop) -> None:
    """Each request also has all problems of the later checks."""
    assert (shop.redeem().status, shop.redeem().json["code"]) == (404, "not_found")
    shop.put(perPlayer=1, stock=1)
    assert shop.redeem().status == 200
    wrong = {"perPlayer": 1, "stock": 1, "cost": 10_000}
    ended = wrong | {"availableUntil": "2026-05-19T12:00:00Z"}
    for changes, status, code in (
        (ended, 409, "not_available"),
        (wrong, 409, "limit_reached"),
        (wrong | {"perPlayer": 2}, 409, "out_of_stock"),
        (wrong | {"perPlayer": 2, "stock": 2}, 400, "insufficient_balance"),
    ):
        shop.put(**changes)
        answer = shop.redeem(idempotency_key="k2")
        assert (answer.status, answer.json["code"]) == (status, code)
    refusal = {"error": "Insufficient balance.", "code": "insufficient_balance", "balance": 700, "requested": 10_000}
    assert answer.json == refusal
    shop.retire()
    again = shop.redeem(idempotency_key="k2")
    assert (again.status, again.json, again.headers[REPLAYED]) == (400, refusal, "true")
    assert shop.account() == (700, 700)


def test_refusals_that_are_not_remembered(shop: Shop) -> None:
    shop.put(stock=0)
    assert shop.redeem().json["code"] == "out_of_stock"
    shop.put(stock=1)
    assert shop.redeem().status == 200


def test_windows_follow_the_clock(shop: Shop) -> None:
    shop.put(availableFrom="2026-05-19T12:01:00Z", availableUntil="2026-05-19T12:02:00Z")
    assert shop.show()["available"] is False
    shop.site.world.sleep(60 - (shop.site.world.now_ms() % 60_000) / 1000 - 0.001)
    assert shop.redeem().json["code"] == "not_available"
    shop.site.world.sleep(0.001)
    assert shop.show()["available"] is True
    assert shop.redeem().status == 200
    shop.site.world.sleep(59.999)
    assert shop.redeem(idempotency_key="k2").status == 200
    shop.site.world.sleep(0.001)
    assert shop.redeem(idempotency_key="k3").json["code"] == "not_available"


def test_the_stock_is_a_total(shop: Shop) -> None:
    """An admin's write after an earlier read loses no redemption, and a repeated write adds no stock."""
    shop.put(stock=2, cost=100)
    shop.redeem(idempotency_key="k1")
    assert shop.put(stock=2, cost=100, name="Mug").json["left"] == 1
    shop.redeem(idempotency_key="k2")
    assert (shop.show()["left"], shop.show()["available"]) == (0, False)
    for _ in range(2):
        assert shop.put(stock=3, cost=100).json["left"] == 1
    assert shop.put(stock=1, cost=100).json["left"] == 0
    assert "left" not in shop.put(cost=100).json
    assert shop.redeem(idempotency_key="k3").status == 200
    assert shop.put(stock=3, cost=100).json["left"] == 1


def test_a_limit_is_each_players_own(shop: Shop) -> None:
    bob = shop.site.key("bob")
    shop.site.fund("bob", 1000, "coins")
    shop.put(perPlayer=2)
    for number in range(2):
        assert shop.redeem(idempotency_key=f"n{number}").status == 200
    refused = shop.redeem(idempotency_key="n2")
    assert (refused.json["code"], refused.json["maximum"]) == ("limit_reached", 2)
    assert shop.redeem(key=bob).status == 200


def test_an_asset_that_is_no_longer_redeemable(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.put()
    monkeypatch.setattr("chalicelib.services.rewards.redeem_reward.redeemable", lambda _: ())
    assert shop.redeem().json["code"] == "not_available"


# Costs -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "items"),
    [
        # Key, two postings, balance, redemption, outbox; the stock and the player's number where they are limited.
        ({}, 6),
        ({"stock": 5}, 7),
        ({"stock": 5, "perPlayer": 5}, 8),
        # A hold instead of two postings.
        ({"requiresFulfilment": True}, 5),
        ({"requiresFulfilment": True, "stock": 5, "perPlayer": 5}, 7),
    ],
)
def test_a_redemption_takes_two_trips_and_two_units_an_item(shop: Shop, changes: dict[str, Any], items: int) -> None:
    """The texts may be long; the index costs extra. Read: key, reward, stock, player's number, account."""
    shop.put(name="\U0001f600" * 60, description="\U0001f600" * 500, **changes)
    context, meter = shop.site.context, shop.site.world.dynamodb.meter
    caller = authenticate(context, shop.anna)
    meter.reset()
    meter.recording = True
    redeem_reward(context, caller, "mug", RedeemRequest("k" * 128))
    read, write, sent = meter.records
    assert (read.operation, read.read, write.operation) == ("BatchGetItem", 2.5, "TransactWriteItems")
    assert len(write.request["TransactItems"]) == items
    assert write.targets == {("laurel-sim", None): (0, 2 * items), ("laurel-sim", "order-index"): (0, 1)}
    assert sent.operation == "DeleteItem"
    meter.reset()
    redeem_reward(context, caller, "mug", RedeemRequest("k" * 128))
    assert [(each.operation, each.read) for each in meter.records] == [("BatchGetItem", 2.5)]


def test_redemptions_without_a_limit_share_no_item(shop: Shop) -> None:
    """Players who redeem the same reward write no item that another of them writes or checks."""
    bob = shop.site.key("bob")
    shop.site.fund("bob", 1000, "coins")
    shop.put()
    meter = shop.site.world.dynamodb.meter
    meter.recording = True
    written = []
    for key in (shop.anna, bob):
        meter.reset()
        shop.redeem(key=key)
        (write,) = [each for each in meter.records if each.operation == "TransactWriteItems"]
        parts = [part for each in write.request["TransactItems"] for part in each.values()]
        written.append({str(part.get("Key") or (part["Item"]["pk"], part["Item"]["sk"])) for part in parts})
    assert not written[0] & written[1]
    assert not [key for keys in written for key in keys if "REWARD#" in key]


def test_a_stock_that_a_stale_read_missed(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """An eventual read may show a reward without its stock: the stock is read again, not taken for unlimited."""
    shop.put(stock=1)
    real = shop.site.context.table.get_many

    def behind(keys: Any, *, strong: bool = True) -> Any:
        found = real(keys, strong=strong)
        return found if strong else {key: item for key, item in found.items() if key[1] != "STOCK"}

    monkeypatch.setattr(shop.site.context.table, "get_many", behind)
    assert shop.redeem().status == 200
    assert shop.redeem(idempotency_key="k2").json["code"] == "out_of_stock"
    assert shop.site.get("/rewards", shop.anna).status == 200


def test_rows_of_different_moments_refuse_nothing(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refund comes between two rows of one batch read: the limit is read after it, the account before it."""
    shop.put(perPlayer=1, cost=600)
    first = shop.redeem(idempotency_key="k1")
    refund = shop.resolve
    account = ("ACCOUNT#" + shop.site.context.owners["anna"].account + "#coins", "BALANCE")
    real, torn = Table.get_many, []

    def get_many(table: Table, keys: Any, *, strong: bool = True) -> Any:
        found = real(table, keys, strong=strong)
        if strong and account in found and not torn:
            torn.append(found[account])
            assert refund(first.json["redemption"]["id"], "refund").status == 200
            found = {**real(table, keys, strong=True), account: torn[0]}
        return found

    monkeypatch.setattr(Table, "get_many", get_many)
    assert shop.redeem(idempotency_key="k2").status == 200
    assert torn
    assert shop.account() == (400, 400)
