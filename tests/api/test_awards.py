from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import NOW, Site, request_event


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


def test_who_granted_is_the_key(site: Site, granter: str) -> None:
    site.post("/awards", award(username="anna"), granter)
    site.post("/awards", {"username": "berta", "points": -3, "reason": "spam"}, granter)
    assert [event["data"]["grantedBy"] for event in site.events()] == ["granter", "granter"]
    assert [event["subject"] for event in site.events()] == ["anna", "berta"]


@pytest.mark.parametrize("points", [10_001, -10_001, 10**30])
def test_over_the_bound(site: Site, granter: str, points: int) -> None:
    answer = site.post("/awards", award(points=points), granter)
    assert answer.status == 400
    assert answer.json == {
        "error": "'points' must be from -10000 to 10000.",
        "code": "award_out_of_range",
        "minimum": -10_000,
        "maximum": 10_000,
    }
    assert not site.queued("events")


def test_the_day_of_a_granter_has_a_bound_too(site: Site, granter: str) -> None:
    """That one only the worker knows: the award is rejected with its reason on record."""
    for number in range(6):
        assert site.post("/awards", award(points=10_000, key=str(number)), granter).status == 202
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
def test_what_is_wrong_is_named(site: Site, granter: str, body: Any, names: str) -> None:
    answer = site.post("/awards", body, granter)
    assert answer.status == 400
    assert names in answer.json["error"]
    assert not site.queued("events")


def test_a_time_too_old(site: Site, granter: str) -> None:
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
