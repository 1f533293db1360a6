"""Rewards over HTTP: the catalogue, redemptions and their refusals in order, fulfilment, cancelling, refunds."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.periods import moment_name
from chalicelib.domain.rewards import MAX_REWARDS
from chalicelib.store import rewards as store
from tests.api.conftest import BASE, Site
from tests.api.http import Answer, request

REPLAYED = "Idempotency-Replayed"
MUG: dict[str, Any] = {
    "name": "Coffee mug",
    "description": "With your level on it.",
    "cost": 300,
    "asset": "coins",
    "type": "goods",
}


class Shop:
    """A site with an admin, and anna, who has 1,000 coins."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.admin = site.key("root", "admin")
        self.anna = site.key("anna")
        site.fund("anna", 1000, "coins")

    def put(self, reward: str = "mug", **changes: Any) -> Answer:
        body = MUG | changes
        return request("PUT", f"{BASE}/admin/rewards/{reward}", key=self.admin, body=body)

    def retire(self, reward: str = "mug") -> Answer:
        return request("DELETE", f"{BASE}/admin/rewards/{reward}", key=self.admin)

    def show(self, reward: str = "mug") -> Any:
        return self.site.get(f"/rewards/{reward}", self.anna).json

    def redeem(self, reward: str = "mug", idempotency_key: str = "k1", key: str = "") -> Answer:
        return self.site.post(f"/rewards/{reward}/redeem", {"idempotencyKey": idempotency_key}, key or self.anna)

    def resolve(self, redemption: str, resolution: str) -> Answer:
        return request("POST", f"{BASE}/admin/redemptions/{redemption}/{resolution}", key=self.admin)

    def account(self, player: str = "anna") -> tuple[int, int]:
        """(balance, available)."""
        item = self.site.context.table.get((f"ACCOUNT#{self.site.context.owners[player].account}#coins", "BALANCE"))
        assert item
        return int(item["balance"]["N"]), int(item["available"]["N"])

    def rows(self, prefix: str) -> list[Any]:
        table = self.site.world.dynamodb.tables["laurel-sim"]
        return [row[0] for (pk, _), row in table.rows.items() if pk.startswith(prefix)]

    def notices(self) -> list[str]:
        return [each.detail_type for each in self.site.world.events.published]


@pytest.fixture
def shop(site: Site) -> Shop:
    return Shop(site)


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


def test_retired_and_brought_back(shop: Shop) -> None:
    shop.put()
    assert shop.retire().json["retired"] is True
    assert shop.retire().json == shop.show()
    assert shop.show()["available"] is False
    assert shop.site.get("/rewards", shop.anna).json == {"rewards": []}
    assert shop.redeem().json["code"] == "not_available"
    assert "retired" not in shop.put(cost=5).json
    assert shop.redeem().json["redemption"]["cost"] == 5
    assert shop.retire("nothing").status == 404


def test_what_changes_the_catalogue_is_audited_once(shop: Shop) -> None:
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
def test_a_reward_that_cannot_be(shop: Shop, changes: dict[str, Any], named: str) -> None:
    answer = shop.put(**changes)
    assert answer.status == 400
    assert named in answer.json["error"]
    assert shop.site.get("/rewards/mug", shop.anna).status == 404


@pytest.mark.parametrize("reward", ["Mug", "a--b", "-a", "a-", "x" * 49, "a%0A", "a%20b"])
def test_an_id_that_cannot_be(shop: Shop, reward: str) -> None:
    assert shop.put(reward).status == 400


def test_two_hundred_rewards(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_REWARDS == 200
    monkeypatch.setattr("chalicelib.services.change_reward.MAX_REWARDS", 2)
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
    assert shop.notices() == ["reward.redeemed"]
    assert not shop.rows("OUTBOX#")
    assert shop.redeem("cap").json["code"] == "idempotency_conflict"
    assert shop.site.get("/redemptions", shop.anna).json == {"redemptions": [redemption], "cursor": None}


def test_no_row_names_the_player(shop: Shop) -> None:
    shop.put(stock=5, perPlayer=2, requiresFulfilment=True)
    shop.redeem()
    for prefix in ("REDEMPTION#", "REDEEMED#", "HOLD#", "REWARD#", "REQUEST#", "ACCOUNT#"):
        rows = shop.rows(prefix)
        assert rows
        assert "anna" not in str(rows)


def test_refusals_in_their_order(shop: Shop) -> None:
    """Each has all that comes after it wrong too."""
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
    refusal = {"error": "Insufficient balance", "code": "insufficient_balance", "balance": 700, "requested": 10_000}
    assert answer.json == refusal
    shop.retire()
    again = shop.redeem(idempotency_key="k2")
    assert (again.status, again.json, again.headers[REPLAYED]) == (400, refusal, "true")
    assert shop.account() == (700, 700)


def test_what_is_not_remembered(shop: Shop) -> None:
    shop.put(stock=0)
    assert shop.redeem().json["code"] == "out_of_stock"
    shop.put(stock=1)
    assert shop.redeem().status == 200


def test_windows_by_the_clock(shop: Shop) -> None:
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


def test_stock_is_a_number_in_all(shop: Shop) -> None:
    """So an admin who read it before somebody redeemed takes nothing back, nor does the same said twice add any."""
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


def test_an_asset_that_can_no_longer_be_redeemed(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.put()
    monkeypatch.setattr("chalicelib.services.redeem_reward.redeemable", lambda _: ())
    assert shop.redeem().json["code"] == "not_available"


# Fulfilment ------------------------------------------------------------------------------------------------------


def pending(shop: Shop, **changes: Any) -> str:
    shop.put(requiresFulfilment=True, **changes)
    made = shop.redeem().json
    assert (made["redemption"]["status"], made["balance"]) == ("pending", 1000)
    return str(made["redemption"]["id"])


def test_fulfilled(shop: Shop) -> None:
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
    assert shop.notices() == ["reward.redeemed", "reward.fulfilled"]
    assert sum(int(row["amount"]["N"]) for row in shop.rows("ACCOUNT#") if "other" in row) == 0


def test_cancelled(shop: Shop) -> None:
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
    assert shop.notices() == ["reward.redeemed", "reward.cancelled", "reward.redeemed"]


def test_a_hold_of_a_redemption_is_not_the_players(shop: Shop) -> None:
    redemption = pending(shop)
    for resolution in ("post", "void"):
        assert shop.site.post(f"/holds/{redemption}/{resolution}", {}, shop.anna).status in (404, 409)
    assert shop.account() == (1000, 700)
    assert shop.resolve(redemption, "fulfil").status == 200


@pytest.mark.parametrize("fulfilled", [False, True])
def test_refunded(shop: Shop, fulfilled: bool) -> None:
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
    assert "reward.refunded" in shop.notices()


def test_what_was_taken_of_no_stock_is_not_given_back_to_it(shop: Shop) -> None:
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


def test_no_refund_to_a_closed_account(shop: Shop) -> None:
    shop.put()
    redemption = shop.redeem().json["redemption"]["id"]
    key = (f"ACCOUNT#{shop.site.context.owners['anna'].account}#coins", "BALANCE")
    shop.site.context.table.put((shop.site.context.table.get(key) or {}) | {"closed": {"N": "1"}})
    assert shop.resolve(redemption, "refund").json["code"] == "account_closed"


def test_a_pending_redemption_outlives_its_player(shop: Shop) -> None:
    """Whoever was erased is named nowhere; what they left is resolved all the same."""
    redemption = pending(shop)
    public = shop.site.context.owners["anna"].public
    shop.site.context.table.delete((f"PUBLIC#{public}", "PLAYER"))
    listed = shop.site.get("/admin/redemptions", shop.admin).json["redemptions"]
    assert [(each["id"], each["publicId"], each.get("player")) for each in listed] == [(redemption, public, None)]
    assert shop.resolve(redemption, "cancel").status == 200
    assert shop.notices() == ["reward.redeemed"]


@pytest.mark.parametrize("redemption", ["x", "0" * 37, "0" * 36, "%00"])
def test_an_unknown_redemption(shop: Shop, redemption: str) -> None:
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
def test_pages_that_cannot_be(shop: Shop, query: str) -> None:
    assert shop.site.get(f"/redemptions?{query}", shop.anna).status == 400
    assert shop.site.get(f"/admin/redemptions?{query}", shop.admin).status == 400
    assert shop.site.get("/admin/redemptions?status=lost", shop.admin).status == 400
