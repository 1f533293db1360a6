"""Tests of moments off the calendar: every operation refuses them by name and writes nothing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import BASE, Site, request_event
from tests.api.http import Answer, request
from tests.api.rewards.shop import MUG

OFF = [
    "9999-12-31T23:59:59-01:00",
    "0001-01-01T00:00:00+14:00",
    "0000-06-01T00:00:00Z",
    "10000-01-01T00:00:00Z",
    "2026-02-30T00:00:00Z",
    "2026-05-19T12:00:00",
    "2026-05-19T12:00:60Z",
]


def put(site: Site, **more: Any) -> Answer:
    return request("PUT", f"{BASE}/admin/rewards/gift", key=site.key("root", "admin"), body=MUG | more)


def audits(site: Site) -> list[Any]:
    return [key for key in site.world.dynamodb.tables["laurel-sim"].rows if key[0].startswith("AUDIT#")]


@pytest.mark.parametrize("text", OFF)
@pytest.mark.parametrize("member", ["availableFrom", "availableUntil"])
def test_a_reward_has_moments_of_the_calendar(site: Site, member: str, text: str) -> None:
    player = site.key("anna")
    answer = put(site, **{member: text})
    assert (answer.status, answer.json["code"], answer.json["parameter"]) == (400, "invalid_request", member)
    assert answer.json["error"].startswith(f"'{member}' must ")
    assert answer.json["error"].endswith(".")
    assert site.get("/rewards/gift", player).status == 404
    assert (site.get("/rewards", player).json, audits(site)) == ({"rewards": []}, [])


def test_a_refused_moment_leaves_an_existing_reward_unchanged(site: Site) -> None:
    player = site.key("anna")
    assert put(site).status == 200
    before, audited = site.get("/rewards", player), audits(site)
    for text in OFF:
        assert put(site, availableUntil=text).status == 400
    after = site.get("/rewards", player)
    assert (after.status, after.text, audits(site)) == (200, before.text, audited)


def test_the_ends_of_the_calendar_can_be_shown(site: Site) -> None:
    player = site.key("anna")
    answer = put(site, availableFrom="0001-01-01T00:00:00Z", availableUntil="9999-12-31T23:59:59.9999Z")
    assert answer.status == 200
    (shown,) = site.get("/rewards", player).json["rewards"]
    assert (shown["availableFrom"], shown["availableUntil"]) == (
        "0001-01-01T00:00:00.000Z",
        "9999-12-31T23:59:59.999Z",
    )
    assert shown["available"] is True


@pytest.mark.parametrize("text", OFF)
def test_an_award_has_a_moment_of_the_calendar(site: Site, text: str) -> None:
    granter = site.key("granter", "awards:grant")
    answer = site.post("/awards", {"player": "anna", "points": 5, "reason": "r", "timestamp": text}, granter)
    assert (answer.status, answer.json["parameter"]) == (400, "timestamp")
    assert not site.queued("own")


@pytest.mark.parametrize("text", OFF)
def test_an_event_of_each_form_has_a_moment_of_the_calendar(site: Site, text: str) -> None:
    key = site.key("granter", "events:write", "awards:grant")
    award = {"event": "award", "properties": {"username": "anna", "points": 5, "reason": "r"}}
    sent: list[tuple[str, Any]] = [
        ("time", request_event("anna", "1") | {"time": text}),
        ("receivedAt", request_event("anna", "1") | {"receivedAt": text}),
        ("time", {"type": "combo.created", "apiKeyId": "anna", "time": text}),
        ("timestamp", award | {"timestamp": text}),
    ]
    answer = site.post("/events", [event for _, event in sent], key)
    assert answer.status == 400
    found = answer.json["events"]
    assert [each["index"] for each in found] == [0, 1, 2, 3]
    assert [each["reason"] for each in found] == ["invalid_event"] * 4
    for (member, _), each in zip(sent, found, strict=True):
        assert each["error"].startswith(f"'{member}' must ")
    assert not site.queued("events")
    assert not site.queued("own")


@pytest.mark.parametrize("path", ["/leaderboard", "/leaderboard/archive", "/rank", "/stream"])
@pytest.mark.parametrize(
    ("scope", "periods"),
    [
        ("daily", ["0001-01-01", "9999-12-31", "0000-01-01"]),
        ("weekly", ["0001-W01", "9999-W52", "9999-W53", "0000-W01"]),
        ("monthly", ["0001-01", "9999-12", "0000-01"]),
    ],
)
def test_periods_at_the_calendars_ends(site: Site, path: str, scope: str, periods: list[str]) -> None:
    key = site.key("anna")
    statuses = [site.get(f"{path}?scope={scope}&period={period}", key).status for period in periods]
    assert set(statuses) <= {200, 400, 404}
    assert statuses[-1] == 400
