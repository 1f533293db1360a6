from __future__ import annotations

import pytest

from tests.api.conftest import Site, request_event


@pytest.fixture
def admin(site: Site) -> str:
    site.key("anna")
    return site.key("root", "admin")


def earned(site: Site, key: str) -> set[str]:
    return {badge["id"] for badge in site.get("/players/anna/badges?earned=true", key).json["badges"]}


def test_an_admin_grants_a_badge(site: Site, admin: str) -> None:
    answer = site.post("/admin/badges/centurion/grant", {"player": "anna"}, admin)
    assert answer.status == 202
    (event,) = site.events("own")
    assert (event["type"], event["subject"], event["id"]) == ("badge.granted", "anna", answer.json["ids"][0])
    assert event["data"] == {"badgeId": "centurion", "decidedBy": "root"}
    site.work()
    assert "centurion" in earned(site, admin)
    site.post("/admin/badges/centurion/revoke", {"player": "anna"}, admin)
    site.work()
    assert "centurion" not in earned(site, admin)
    entries = site.get("/players/anna/log", admin).json["entries"]
    assert [(entry["type"], entry["grantedBy"]) for entry in entries] == [
        ("badge.revoked", "root"),
        ("badge.granted", "root"),
    ]


def test_a_repeated_decision_is_recorded_once(site: Site, admin: str) -> None:
    for _ in range(2):
        site.post("/admin/badges/centurion/grant", {"player": "anna", "idempotencyKey": "t1"}, admin)
        site.post("/admin/badges/centurion/revoke", {"player": "anna", "idempotencyKey": "t1"}, admin)
        site.work()
    assert "centurion" not in earned(site, admin)
    assert len(site.get("/players/anna/log", admin).json["entries"]) == 2


def test_a_player_by_public_id(site: Site, admin: str) -> None:
    site.post("/events", request_event("anna", "1"), admin)
    site.work()
    masked = site.get("/leaderboard").json["entries"][0]["apiKeyId"]
    site.post("/admin/badges/centurion/grant", {"player": masked}, admin)
    assert site.events("own")[0]["subject"] == "anna"


def test_unknown_players_and_badges_are_not_found(site: Site, admin: str) -> None:
    answer = site.post("/admin/badges/no-such/grant", {"player": "anna"}, admin)
    assert (answer.status, answer.json) == (
        404,
        {"error": "There is no such badge.", "code": "not_found", "badge": "no-such"},
    )
    assert site.post("/admin/badges/centurion/grant", {"player": "nobody"}, admin).status == 404
    assert site.post("/admin/badges/centurion/grant", {}, admin).status == 400
    assert site.post("/admin/badges/centurion/grant", {"player": "anna", "idempotencyKey": "a b"}, admin).status == 400
    assert not site.queued("own")
