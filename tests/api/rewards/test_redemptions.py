"""Tests of redemptions over HTTP: fulfilled, cancelled, refunded, and their lists."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib.domain.core.periods import moment_name
from chalicelib.services.operations.verify_ledger import verify_ledger
from tests.api.conftest import Site
from tests.api.rewards.shop import REPLAYED, Shop
from tests.economy import books


@pytest.fixture
def shop(site: Site) -> Iterator[Shop]:
    """Yield a shop; check that its ledger is in balance afterwards."""
    made = Shop(site)
    yield made
    assert books.findings(books.read(site.plant)) == []
    site.world.sleep(600)
    assert verify_ledger(site.context, lambda: site.world.sleep(2)).differences == []


def pending(shop: Shop, **changes: Any) -> str:
    shop.put(requiresFulfilment=True, **changes)
    made = shop.redeem().json
    assert (made["redemption"]["status"], made["balance"]) == ("pending", 1000)
    return str(made["redemption"]["id"])


def test_a_fulfilled_redemption(shop: Shop) -> None:
    redemption = pending(shop)
    assert shop.account() == (1000, 700)
    shop.site.world.sleep(400 * 86_400)
    first = shop.resolve(redemption, "fulfil")
    assert first.json == {
        "success": True,
        "redemption": {
            "id": redemption,
            "rewardId": "mug",
            "cost": 300,
            "asset": "coins",
            "status": "fulfilled",
            "createdAt": "2026-05-19T12:00:00.000Z",
            "resolvedAt": moment_name(shop.site.world.now_ms()),
        },
    }
    assert shop.account() == (700, 700)
    again = shop.resolve(redemption, "fulfil")
    assert (again.status, again.text, again.headers[REPLAYED]) == (200, first.text, "true")
    refused = shop.resolve(redemption, "cancel")
    assert (refused.status, refused.json["code"]) == (409, "redemption_resolved")
    assert shop.account() == (700, 700)
    assert shop.domain_events() == ["reward.redeemed", "reward.fulfilled"]
    assert sum(int(row["amount"]["N"]) for row in shop.rows("ACCOUNT#") if "other" in row) == 0


def test_a_cancelled_redemption(shop: Shop) -> None:
    redemption = pending(shop, stock=1, perPlayer=1)
    assert shop.redeem(idempotency_key="k2").json["code"] == "limit_reached"
    first = shop.resolve(redemption, "cancel")
    assert first.json["redemption"]["status"] == "cancelled"
    assert shop.account() == (1000, 1000)
    assert shop.resolve(redemption, "cancel").headers[REPLAYED] == "true"
    for resolution in ("fulfil", "refund"):
        assert shop.resolve(redemption, resolution).json["code"] == "redemption_resolved"
    assert shop.show()["left"] == 1
    assert shop.redeem(idempotency_key="k2").status == 200
    assert shop.show()["left"] == 0
    assert shop.domain_events() == ["reward.redeemed", "reward.cancelled", "reward.redeemed"]


def test_a_player_cannot_resolve_the_hold_of_a_redemption(shop: Shop) -> None:
    redemption = pending(shop)
    for resolution in ("post", "void"):
        assert shop.site.post(f"/holds/{redemption}/{resolution}", {}, shop.anna).status in (404, 409)
    assert shop.account() == (1000, 700)
    assert shop.resolve(redemption, "fulfil").status == 200


def test_pending_redemptions_are_listed_among_holds_and_cost_no_reads(shop: Shop) -> None:
    """The release of an expired hold reads that hold alone, with any number of pending redemptions."""
    shop.put(requiresFulfilment=True, cost=1)
    made = []
    for number in range(120):
        shop.site.world.sleep(0.01)
        made.append(shop.redeem(idempotency_key=f"r{number}").json["redemption"]["id"])
        if number % 40 == 7:
            shop.site.world.sleep(0.01)
            body = {"amount": 1, "asset": "coins", "idempotencyKey": f"h{number}", "expiresIn": 60}
            made.append(shop.site.post("/holds", body, shop.anna).json["hold"]["id"])
    shown, cursor = [], ""
    while cursor is not None:
        page = shop.site.get(f"/holds?limit=7&cursor={cursor}", shop.anna).json
        shown += [hold["id"] for hold in page["holds"]]
        cursor = page["cursor"]
    assert shown == made[::-1]
    shop.site.world.sleep(60)
    meter = shop.site.world.dynamodb.meter
    meter.reset()
    assert shop.site.get("/balance?asset=coins", shop.anna).json["available"] == 880
    assert meter.operations["Query"].read == 1


@pytest.mark.parametrize("fulfilled", [False, True])
def test_a_refunded_redemption(shop: Shop, fulfilled: bool) -> None:
    shop.put(stock=1, perPlayer=1, requiresFulfilment=fulfilled)
    redemption = shop.redeem().json["redemption"]["id"]
    if fulfilled:
        refused = shop.resolve(redemption, "refund")
        assert (refused.status, refused.json["code"]) == (409, "redemption_pending")
        shop.resolve(redemption, "fulfil")
    assert shop.account() == (700, 700)
    first = shop.resolve(redemption, "refund")
    assert first.json["redemption"]["status"] == "refunded"
    again = shop.resolve(redemption, "refund")
    assert (again.text, again.headers[REPLAYED]) == (first.text, "true")
    assert shop.resolve(redemption, "fulfil").json["code"] == "redemption_resolved"
    assert shop.account() == (1000, 1000)
    assert shop.show()["left"] == 1
    assert shop.redeem(idempotency_key="k2").status == 200
    assert "reward.refunded" in shop.domain_events()


def test_a_redemption_without_stock_returns_none_to_a_later_stock(shop: Shop) -> None:
    shop.put(cost=100)
    redemption = shop.redeem().json["redemption"]["id"]
    shop.put(cost=100, stock=1, perPlayer=1)
    shop.redeem(idempotency_key="k2")
    assert shop.resolve(redemption, "refund").status == 200
    assert shop.show()["left"] == 0
    assert shop.redeem(idempotency_key="k3").json["code"] == "limit_reached"


def test_a_correction_and_a_refund_exclude_each_other(shop: Shop) -> None:
    shop.put()
    first, second = (shop.redeem(idempotency_key=f"n{number}").json["redemption"]["id"] for number in range(2))
    correct = {"transferId": first}
    assert shop.site.post("/admin/corrections", correct, shop.admin).status == 200
    assert shop.account() == (700, 700)
    refused = shop.resolve(first, "refund")
    assert (refused.status, refused.json["code"]) == (409, "already_corrected")
    shop.resolve(second, "refund")
    shop.site.post("/admin/corrections", {"transferId": second}, shop.admin)
    assert shop.account() == (1000, 1000)


def test_a_closed_account_gets_no_refund(shop: Shop) -> None:
    shop.put()
    redemption = shop.redeem().json["redemption"]["id"]
    key = (f"ACCOUNT#{shop.site.context.owners['anna'].account}#coins", "BALANCE")
    shop.site.context.table.put((shop.site.context.table.get(key) or {}) | {"closed": {"N": "1"}})
    assert shop.resolve(redemption, "refund").json["code"] == "account_closed"


def test_a_pending_redemption_outlives_its_player(shop: Shop) -> None:
    """No list names an erased player; the pending redemption can still be resolved."""
    redemption = pending(shop)
    public = shop.site.context.owners["anna"].public
    shop.site.context.table.delete((f"PUBLIC#{public}", "PLAYER"))
    listed = shop.site.get("/admin/redemptions", shop.admin).json["redemptions"]
    assert [(each["id"], each["publicId"], each.get("player")) for each in listed] == [(redemption, public, None)]
    assert shop.resolve(redemption, "cancel").status == 200
    assert shop.domain_events() == ["reward.redeemed"]


@pytest.mark.parametrize("redemption", ["x", "0" * 37, "0" * 36, "%00"])
def test_an_unknown_redemption_is_not_found(shop: Shop, redemption: str) -> None:
    answer = shop.resolve(redemption, "fulfil")
    assert (answer.status, answer.json["code"]) == (404, "not_found")


# Lists -----------------------------------------------------------------------------------------------------------


def pages(shop: Shop, path: str, key: str) -> list[Any]:
    found, cursor = [], ""
    while True:
        page = shop.site.get(f"{path}{'&' if '?' in path else '?'}limit=2&cursor={cursor}", key).json
        found.append(page["redemptions"])
        cursor = page["cursor"]
        if cursor is None:
            return found


def test_lists_page_by_page(shop: Shop) -> None:
    bob = shop.site.key("bob")
    shop.site.fund("bob", 1000, "coins")
    shop.put(cost=10, requiresFulfilment=True)
    made = []
    for number in range(5):
        shop.site.world.sleep(1)
        key = bob if number == 3 else shop.anna
        made.append(shop.redeem(idempotency_key=f"n{number}", key=key).json["redemption"]["id"])
    own = [[each["id"] for each in page] for page in pages(shop, "/redemptions", shop.anna)]
    assert [id_ for page in own for id_ in page] == [made[4], made[2], made[1], made[0]]
    assert all(len(page) <= 2 for page in own)
    shop.resolve(made[1], "fulfil")
    waiting = [(each["id"], each["player"]) for page in pages(shop, "/admin/redemptions", shop.admin) for each in page]
    assert waiting == [(made[4], "anna"), (made[3], "bob"), (made[2], "anna"), (made[0], "anna")]
    done = shop.site.get("/admin/redemptions?status=fulfilled", shop.admin).json
    assert ([each["id"] for each in done["redemptions"]], done["cursor"]) == ([made[1]], None)


@pytest.mark.parametrize("query", ["cursor=x", "cursor=MA", "limit=0", "limit=101", "limit=a"])
def test_wrong_pages_are_refused(shop: Shop, query: str) -> None:
    assert shop.site.get(f"/redemptions?{query}", shop.anna).status == 400
    assert shop.site.get(f"/admin/redemptions?{query}", shop.admin).status == 400
    assert shop.site.get("/admin/redemptions?status=lost", shop.admin).status == 400
