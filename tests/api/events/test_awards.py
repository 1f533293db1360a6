from __future__ import annotations

import json
from typing import Any

import pytest

from tests.api.conftest import NOW, Site, request_event
from tests.api.ledger.test_transfer_cost import costs


@pytest.fixture
def granter(site: Site) -> str:
    return site.key("granter", "awards:grant")


def award(**more: Any) -> dict[str, Any]:
    return {"player": "anna", "points": 50, "reason": "Found a bug"} | more


def test_points_arrive_once_by_key(site: Site, granter: str) -> None:
    for _ in range(2):
        assert site.post("/awards", award(key="bug-77"), granter).json == {"accepted": 1, "ids": ["bug-77"]}
        site.work()
    profile = site.get("/players/anna", granter).json
    assert profile["awardTotal"] == 50
    (shown,) = site.get("/players/anna/awards", granter).json["entries"]
    assert (shown["reason"], shown["paid"]["award"], shown["type"]) == ("Found a bug", 50, "award")


def test_points_arrive_once_by_reason_and_timestamp(site: Site, granter: str) -> None:
    for _ in range(2):
        site.post("/awards", award(timestamp=NOW), granter)
    site.post("/awards", award(timestamp=NOW, reason="Another"), granter)
    site.post("/awards", award(), granter)
    site.post("/awards", award(), granter)
    site.work()
    assert site.get("/players/anna", granter).json["awardTotal"] == 200


def test_the_granter_is_the_holder_of_the_key(site: Site, granter: str) -> None:
    site.post("/awards", award(username="anna"), granter)
    site.post("/awards", {"username": "berta", "points": -3, "reason": "spam"}, granter)
    assert [event["data"]["grantedBy"] for event in site.events("own")] == ["granter", "granter"]
    assert [event["subject"] for event in site.events("own")] == ["anna", "berta"]


@pytest.mark.parametrize("points", [10_001, -10_001, 10**30, 0])
def test_an_award_over_the_limit_is_refused(site: Site, granter: str, points: int) -> None:
    answer = site.post("/awards", award(points=points), granter)
    assert answer.status == 400
    assert answer.json == {
        "error": "'points' must be from -10000 to 10000, and not 0.",
        "code": "award_out_of_range",
        "minimum": -10_000,
        "maximum": 10_000,
    }
    assert not site.queued("own")


def test_a_granter_has_a_daily_limit(site: Site, granter: str) -> None:
    for number in range(5):
        assert site.post("/awards", award(points=-10_000 if number else 9_999, key=str(number)), granter).status == 202
    answer = site.post("/awards", award(points=2, key="5"), granter)
    assert (answer.status, answer.json) == (
        429,
        {
            "error": "'granter' may grant 1 more of 50000 points today, not 2.",
            "code": "award_bound",
            "maximum": 50_000,
            "left": 1,
            "requested": 2,
        },
    )
    # It is shortly after noon: the limit is reported before any award is applied, and lasts until midnight.
    assert answer.headers["Retry-After"] == str(12 * 3600 - site.world.now_ms() // 1000 % 43_200)
    assert site.post("/awards", award(points=1, key="6"), granter).status == 202
    assert site.post("/awards", award(points=-10_000, key="4"), granter).status == 202, "a repeat takes no room"
    site.work()
    assert site.get("/players/anna", granter).json["awardTotal"] == 9_999 - 4 * 10_000 + 1
    assert not site.queued("rejected")
    site.world.sleep(int(answer.headers["Retry-After"]) - 1)
    assert site.post("/awards", award(points=2, key="5"), granter).status == 429
    site.world.sleep(1)
    assert site.post("/awards", award(points=10_000, key="5"), granter).status == 202


def test_the_limit_counts_awards_of_the_api_and_of_the_queue(site: Site, granter: str) -> None:
    """Each granter has one record a day, for awards by either way."""

    def by_queue(number: int, points: int) -> None:
        properties = {"username": "anna", "points": points, "reason": f"r{number}", "grantedBy": "granter"}
        body = json.dumps({"event": "award", "properties": properties, "timestamp": NOW})
        site.context.queues.send("events", [body])
        site.work()

    for number in range(4):
        by_queue(number, 10_000)
    assert site.post("/awards", award(points=9_000), granter).status == 202
    assert site.post("/awards", award(points=1_001), granter).json["left"] == 1_000
    by_queue(4, 1_001)
    assert "award_over_daily_bound" in site.queued("rejected")[0]
    by_queue(5, 1_000)
    assert site.post("/awards", award(points=1), granter).json["left"] == 0
    assert site.get("/players/anna", granter).json["awardTotal"] == 50_000


def test_a_request_over_the_limit_of_any_day_is_refused(site: Site, granter: str) -> None:
    key = site.key("granter", "events:write", "awards:grant")
    properties = {"username": "anna", "points": 10_000}
    many = [{"event": "award", "properties": properties | {"reason": f"r{number}"}} for number in range(6)]
    answer = site.post("/events", many, key)
    assert (answer.status, answer.json["code"], answer.json["maximum"]) == (400, "award_bound", 50_000)
    assert not site.queued("own")
    assert site.post("/awards", award(points=10_000), granter).status == 202


OTHERS = [{"points": 49}, {"reason": "Other"}, {"player": "berta"}, {"public": False}, {"timestamp": NOW}]


@pytest.mark.parametrize("changed", OTHERS, ids=lambda changed: next(iter(changed)))
def test_one_key_is_one_award(site: Site, granter: str, changed: dict[str, Any]) -> None:
    """Any other field under the same key is a conflict, the player too."""
    assert site.post("/awards", award(key="k"), granter).status == 202
    for _ in range(2):
        answer = site.post("/awards", award(key="k") | changed, granter)
        assert (answer.status, answer.json["code"], answer.json["award"]) == (409, "idempotency_conflict", "k")
    again = site.post("/awards", award(key="k"), granter)
    assert (again.status, again.json, again.headers["Idempotency-Replayed"]) == (
        202,
        {"accepted": 1, "ids": ["k"]},
        "true",
    )
    site.work()
    assert site.get("/players/anna", granter).json["awardTotal"] == 50
    assert site.get("/players/berta", granter).status == 404


def test_a_key_is_its_granters_own(site: Site, granter: str) -> None:
    other = site.key("other", "awards:grant")
    assert site.post("/awards", award(key="k"), granter).status == 202
    assert site.post("/awards", award(key="k", points=7), other).status == 202
    properties = {"username": "anna", "points": 3, "reason": "by the queue", "key": "k"}
    site.context.queues.send("events", [json.dumps({"event": "award", "properties": properties})])
    site.work()
    assert site.get("/players/anna", granter).json["awardTotal"] == 60
    granted = [
        (each["grantedBy"], each["paid"]["award"]) for each in site.get("/awards", site.key("anna")).json["entries"]
    ]
    assert sorted(granted) == [("awards", 3), ("granter", 50), ("other", 7)]


def test_an_award_has_no_key_of_a_transfer(site: Site, anna: str) -> None:
    key = site.key("anna", "awards:grant")
    assert site.post("/transfer", {"to": "bob", "amount": 1, "idempotencyKey": "k"}, key).status == 200
    assert site.post("/awards", award(player="bob", key="k"), key).json["code"] == "idempotency_conflict"
    assert site.post("/awards", award(player="bob", key="k2"), key).status == 202
    answer = site.post("/transfer", {"to": "bob", "amount": 1, "idempotencyKey": "k2"}, key)
    assert (answer.status, answer.json["code"]) == (409, "idempotency_conflict")


def test_without_a_key_reason_and_timestamp_are_one_award_of_a_player(site: Site, granter: str) -> None:
    assert site.post("/awards", award(timestamp=NOW), granter).status == 202
    answer = site.post("/awards", award(timestamp=NOW, points=7), granter)
    assert (answer.status, answer.json["code"]) == (409, "idempotency_conflict")
    assert answer.json["award"].startswith("reason:")
    same = award(timestamp="2026-05-19T14:00:00.0009+02:00")
    assert site.post("/awards", same, granter).headers["Idempotency-Replayed"] == "true"
    assert site.post("/awards", award(timestamp=NOW, player="berta", points=7), granter).status == 202
    site.work()
    assert site.get("/players/anna", granter).json["awardTotal"] == 50
    assert site.get("/players/berta", granter).json["awardTotal"] == 7


def test_a_key_is_known_for_as_long_as_the_worker_knows_the_award(site: Site, granter: str) -> None:
    site.post("/awards", award(key="k"), granter)
    site.work()
    site.world.sleep(89 * 86_400)
    again = site.post("/awards", award(key="k"), granter)
    assert (again.status, again.headers["Idempotency-Replayed"]) == (202, "true")
    assert not site.queued("own"), "no queue holds the first message any more"
    assert site.post("/awards", award(key="k", points=1), granter).status == 409
    assert site.get("/players/anna", granter).json["awardTotal"] == 50


def test_awards_among_events(site: Site) -> None:
    """Awards among events follow the same rules; a request that breaks them queues nothing."""
    key = site.key("granter", "events:write", "awards:grant")
    deed = request_event("anna", "1")

    def given(points: int, **more: Any) -> dict[str, Any]:
        return {"event": "award", "properties": {"username": "anna", "points": points, "reason": "r"} | more}

    for bad in ([given(1, key="a"), given(2, key="a")], [deed, given(1, key="a"), given(1, key="a", username="bert")]):
        answer = site.post("/events", bad, key)
        assert (answer.status, answer.json["code"], answer.json["award"]) == (409, "idempotency_conflict", "a")
    assert (site.queued("events"), site.queued("own")) == ([], [])
    answer = site.post("/events", [deed, given(1, key="a"), given(1, key="a"), given(5, key="b")], key)
    assert answer.json == {"accepted": 4, "ids": ["1", "a", "a", "b"]}
    assert site.post("/events", [given(6, key="b"), deed], key).status == 409
    assert site.post("/awards", {"player": "anna", "points": 5, "reason": "r", "key": "b"}, key).status == 202
    site.work()
    profile = site.get("/players/anna", key).json
    assert (profile["awardTotal"], profile["counters"]["request"], profile["counters"]["award"]) == (6, 1, 2)
    canonical = request_event("anna", "c1", time=None) | {"type": "award", "data": {"points": 3, "reason": "r"}}
    assert site.post("/events", canonical, key).status == 202
    other = canonical | {"data": {"points": 4, "reason": "r"}}
    assert site.post("/events", other, key).json["code"] == "idempotency_conflict"


def test_an_award_costs_one_read_and_one_write_of_two_items(site: Site, granter: str) -> None:
    meter = site.world.dynamodb.meter
    site.post("/awards", award(key="0"), granter)
    meter.recording = True

    def cost(key: str) -> list[tuple[str, float, float]]:
        meter.reset()
        assert site.post("/awards", award(key=key), granter).status == 202
        # The caller's key was read before.
        return costs(meter)[1:]

    assert cost("1") == [("BatchGetItem", 2, 0), ("TransactWriteItems", 0, 4)]
    assert cost("1") == [("BatchGetItem", 2, 0)]
    meter.reset()
    site.work()
    assert not [each for each in meter.records if "GRANTER#" in json.dumps(each.request)], "counted once, when accepted"


def test_five_hundred_awards_take_six_writes(site: Site) -> None:
    key = site.key("granter", "events:write", "awards:grant")
    many = [
        {"event": "award", "properties": {"username": f"p{number % 50}", "points": 100, "reason": f"r{number}"}}
        for number in range(500)
    ]
    meter = site.world.dynamodb.meter
    meter.reset()
    meter.recording = True
    answer = site.post("/events", many, key)
    assert answer.json["accepted"] == 500
    written = [record.request for record in meter.records if record.operation == "TransactWriteItems"]
    assert [len(request["TransactItems"]) for request in written] == [100] * 5 + [6]
    assert sum(len(json.loads(body)) for body in site.queued("own")) == 500
    assert site.post("/awards", award(points=1), site.key("granter", "awards:grant")).json["left"] == 0


def test_a_message_of_the_public_queue_cannot_claim_a_reservation(site: Site, granter: str) -> None:
    for number in range(6):
        data = {"points": 10_000, "reason": "r", "grantedBy": "granter", "reserved": True, "key": str(number)}
        event = request_event("anna", "1") | {"type": "award", "data": data}
        site.context.queues.send("events", [json.dumps(event)])
    site.work()
    assert site.get("/players/anna", granter).json["awardTotal"] == 50_000
    assert "award_over_daily_bound" in site.queued("rejected")[0]


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ({"points": 5, "reason": "x"}, "player"),
        (award(username="berta"), "player"),
        (award(points="5"), "points"),
        (award(points=True), "points"),
        (award(points=1.5), "points"),
        (award(reason=""), "reason"),
        (award(reason="x" * 201), "reason"),
        (award(player="a b"), "player"),
        (award(grantedBy="me"), "grantedBy"),
        (award(timestamp="2026-05-19"), "timestamp"),
        ([award()], "object"),
    ],
)
def test_the_wrong_member_is_named(site: Site, granter: str, body: Any, names: str) -> None:
    answer = site.post("/awards", body, granter)
    assert answer.status == 400
    assert names in answer.json["error"]
    assert not site.queued("own")


def test_an_award_with_an_old_time_is_refused(site: Site, granter: str) -> None:
    answer = site.post("/awards", award(timestamp="2026-01-01T00:00:00Z"), granter)
    assert answer.json["events"][0]["reason"] == "too_old"


def test_an_award_that_is_not_public(site: Site, granter: str) -> None:
    own = site.key("anna")
    site.post("/awards", award(key="1", public=False, reason="quietly"), granter)
    site.post("/awards", award(key="2", reason="loudly"), granter)
    site.post("/events", request_event("anna", "1"), site.key("gateway", "events:write"))
    site.work()
    for path in ("/players/anna/awards", "/players/anna/log"):
        others = site.get(path, granter).json["entries"]
        assert [each["reason"] for each in others if each["type"] == "award"] == ["loudly"]
        assert all(not {"grantedBy", "id", "source", "credits"} & set(each) for each in others)
    mine = site.get("/awards", own).json["entries"]
    assert {each["reason"]: each.get("public", True) for each in mine} == {"quietly": False, "loudly": True}
    assert {each["grantedBy"] for each in mine} == {"granter"}
    assert all({"id", "source"} <= set(each) for each in mine)
    assert {each["reason"] for each in site.get("/players/anna/awards", site.key("root", "admin")).json["entries"]} == {
        "quietly",
        "loudly",
    }
