from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from chalicelib.domain.rules.schema import NUMERIC_STATS, UNIQUE_STATS
from chalicelib.services.progress import read_log
from tests.api.conftest import Site, request_event

PATHS = ("", "/badges", "/streak", "/calendar", "/log", "/awards")


def times(days: int, per_day: int = 1) -> list[str]:
    """Return the last days until 2026-05-19, oldest first."""
    last = date(2026, 5, 19)
    return [f"{last - timedelta(days=days - 1 - n)}T10:{m:02d}:00Z" for n in range(days) for m in range(per_day)]


@pytest.fixture
def anna(site: Site) -> str:
    """Return a key of a player with five days of requests."""
    writer = site.key("gateway", "events:write")
    events = [
        request_event(
            "anna", str(place), time, model=f"m{place % 3}", tokensSaved=10, costSavedMicroUsd=7, latencyMs=99
        )
        for place, time in enumerate(times(5, 2))
    ]
    key = site.key("anna")
    assert site.post("/events", events, writer).status == 202
    site.work()
    return key


def test_own_profile(site: Site, anna: str) -> None:
    answer = site.get("/profile", anna)
    profile = answer.json
    # 10 requests, 5 daily logins, 3 new models, 2 badges (First Steps, Early Adopter).
    assert profile["xp"] == 10 * 1 + 5 * 3 + 3 * 3 + 2 * 25
    assert (profile["level"], profile["title"], profile["xpIntoLevel"], profile["xpToNext"]) == (1, "Beginner", 84, 198)
    assert profile["streak"] == {"current": 5, "longest": 5}
    assert (profile["badgeCount"], profile["awardTotal"]) == (2, 0)
    assert (profile["coins"], profile["tokens"], profile["private"], profile["hidden"]) == (0, 0, False, False)
    assert set(profile["stats"]) == {*NUMERIC_STATS, *UNIQUE_STATS}
    assert (profile["stats"]["requests"], profile["stats"]["models"]) == (10, 3)
    assert profile["counters"]["daily_login"] == 5
    assert profile["displayName"].startswith("User***")
    assert profile["ruleset"] == site.context.rules.version
    assert answer.headers["Cache-Control"] == "private, no-cache"


def test_level_tokens_are_private(site: Site, anna: str) -> None:
    granter = site.key("granter", "awards:grant")
    site.post("/awards", {"player": "anna", "points": 300, "reason": "x"}, granter)
    site.work()
    assert site.get("/profile", anna).json["tokens"] == 100
    assert not {"tokens", "coins", "private", "hidden"} & set(site.get("/players/anna", granter).json)
    assert site.get("/players/anna", site.key("root", "admin")).json["tokens"] == 100


def test_negative_xp_is_shown_as_zero(site: Site) -> None:
    granter = site.key("granter", "awards:grant")
    site.post("/awards", {"player": "berta", "points": -300, "reason": "x"}, granter)
    site.work()
    profile = site.get("/players/berta", granter).json
    assert (profile["xp"], profile["level"], profile["awardTotal"]) == (0, 1, -300)


@pytest.mark.parametrize("path", PATHS)
def test_others_by_id_and_by_public_id(site: Site, anna: str, path: str) -> None:
    other = site.key("berta")
    public = site.get("/leaderboard").json["entries"][0]["apiKeyId"]
    assert public != "anna"
    by_id, by_public = site.get(f"/players/anna{path}", other), site.get(f"/players/{public}{path}", other)
    assert by_id.status == by_public.status == 200
    assert "anna" not in by_public.text
    if not path:
        assert (by_id.json["id"], by_public.json["id"]) == ("anna", public)


@pytest.mark.parametrize("by", ["themselves", "an admin"])
@pytest.mark.parametrize("path", PATHS)
def test_players_hidden_from_others(site: Site, anna: str, path: str, by: str) -> None:
    other, admin = site.key("berta"), site.key("root", "admin")
    if by == "themselves":
        assert site.patch("/profile", {"private": True}, anna).status == 200
    else:
        assert site.post("/admin/players/anna/hide", None, admin).status == 202
    site.work()
    hidden = site.get(f"/players/anna{path}", other)
    missing = site.get(f"/players/nobody{path}", other)
    assert (hidden.status, hidden.text) == (404, missing.text)
    assert site.get(f"/players/anna{path}", admin).status == 200
    assert site.get(f"/players/anna{path}", anna).status == 200


def test_a_chosen_name(site: Site, anna: str) -> None:
    public = site.get("/leaderboard").json["entries"][0]["apiKeyId"]
    site.patch("/profile", {"displayName": "<Anna>"}, anna)
    profile = site.get(f"/players/{public}", site.key("berta")).json
    assert (profile["id"], profile["displayName"]) == ("anna", "<Anna>")


@pytest.mark.parametrize("player", ["a:b@c.org", "50%25"])
def test_percent_encoded_ids(site: Site, player: str) -> None:
    key = site.key("a:b@c.org")
    expected = 200 if player == "a:b@c.org" else 404
    assert site.get(f"/players/{player.replace(':', '%3A').replace('@', '%40')}", key).status == expected
    assert site.get("/players/%ff", key).status == 404


def test_badges(site: Site, anna: str) -> None:
    answer = site.get("/badges", anna).json
    assert (answer["earned"], answer["total"]) == (2, len(site.context.rules.badges))
    assert len(answer["badges"]) == answer["total"]
    first = answer["badges"][0]
    assert (first["id"], first["name"], first["earned"]) == ("first-steps", "First Steps", True)
    assert first["earnedAt"].startswith("2026-05-19T12:0")
    earned = site.get("/badges?earned=true", anna).json["badges"]
    assert [badge["id"] for badge in earned] == ["first-steps", "early-adopter"]
    assert len(site.get("/badges?earned=false", anna).json["badges"]) == answer["total"] - 2
    assert site.get("/badges?earned=", anna).json == answer


def test_hidden_badges_until_earned(site: Site, anna: str) -> None:
    (hidden,) = [badge for badge in site.get("/badges", anna).json["badges"] if badge["hidden"]]
    assert {hidden["name"], hidden["description"], hidden["icon"]} == {"???"}
    assert "laureate" not in site.get("/badges", anna).text.lower()
    admin = site.key("root", "admin")
    site.post("/admin/badges/laureate/grant", {"player": "anna"}, admin)
    site.work()
    (shown,) = [badge for badge in site.get("/badges", anna).json["badges"] if badge["hidden"]]
    assert (shown["id"], shown["name"], shown["icon"]) == ("laureate", "Laureate", "🏆")


def test_streak_decays_by_the_clock(site: Site, anna: str) -> None:
    assert site.get("/streak", anna).json == {
        "current": 5,
        "longest": 5,
        "lastActiveDay": "2026-05-19",
        "activeToday": True,
        "milestones": [],
        "nextMilestone": {"days": 7, "remaining": 2},
    }
    site.world.sleep(86_400)
    assert site.get("/streak", anna).json["current"] == 5
    assert site.get("/streak", anna).json["activeToday"] is False
    site.world.sleep(86_400)
    streak = site.get("/streak", anna).json
    assert (streak["current"], streak["longest"], streak["nextMilestone"]) == (0, 5, {"days": 7, "remaining": 7})
    assert site.get("/profile", anna).json["streak"] == {"current": 0, "longest": 5}


def test_milestones(site: Site) -> None:
    writer = site.key("anna", "events:write")
    events = [request_event("anna", str(place), time) for place, time in enumerate(times(7))]
    site.post("/events", events, writer)
    site.work()
    assert site.get("/streak", writer).json["milestones"] == [7]
    assert site.get("/streak", writer).json["nextMilestone"] == {"days": 14, "remaining": 7}


def test_the_streak_of_a_new_player(site: Site) -> None:
    streak = site.get("/streak", site.key("anna")).json
    assert (streak["current"], streak["lastActiveDay"]) == (0, None)


@pytest.mark.parametrize("days", [30, 365])
def test_calendar(site: Site, anna: str, days: int) -> None:
    calendar = site.get(f"/calendar?days={days}", anna).json["days"]
    assert len(calendar) == days
    assert [calendar[-1]["date"], calendar[-days]["date"]] == [
        "2026-05-19",
        str(date(2026, 5, 19) - timedelta(days=days - 1)),
    ]
    assert [day["active"] for day in calendar[-6:]] == [False, True, True, True, True, True]
    assert [(day["count"], day["tokensSaved"], day["costSavedMicroUsd"]) for day in calendar[-5:]] == [(2, 20, 14)] * 5
    assert sum(day["xp"] for day in calendar) == site.get("/profile", anna).json["xp"]


def test_the_calendar_outlives_the_log(site: Site, anna: str) -> None:
    """Daily figures outlive the log."""
    site.world.sleep(200 * 86_400)
    calendar = site.get("/calendar?days=365", anna).json["days"]
    assert sum(day["count"] for day in calendar) == 10
    assert site.get("/log", anna).json == {"entries": [], "cursor": None}
    assert sum(day["count"] for day in site.get("/calendar", anna).json["days"]) == 0


def pages(site: Site, path: str, key: str, limit: int) -> list[list[Any]]:
    found, cursor = [], ""
    for _ in range(300):
        answer = site.get(f"{path}?limit={limit}{cursor}", key).json
        found.append(answer["entries"])
        assert len(answer["entries"]) <= limit
        if answer["cursor"] is None:
            return found
        cursor = f"&cursor={answer['cursor']}"
    raise AssertionError("the log does not end")


@pytest.mark.parametrize("limit", [1, 3, 7, 100])
def test_log_pages(site: Site, anna: str, limit: int) -> None:
    everything = site.get("/log?limit=100", anna).json
    assert everything["cursor"] is None
    whole = everything["entries"]
    assert [entry["id"] for entry in whole] == [str(n) for n in reversed(range(10))]
    assert [entry["time"] for entry in whole] == sorted((entry["time"] for entry in whole), reverse=True)
    assert [entry for page in pages(site, "/log", anna, limit) for entry in page] == whole
    assert whole[0]["paid"] == {"request": 1}
    assert (whole[0]["latencyMs"], whole[0]["provider"], whole[0]["source"]) == (99, "openai", "gateway/test")


def test_many_events_of_a_minute_page_by_page(site: Site, anna: str) -> None:
    """Many packs in one minute, and more of them while it is read."""
    writer = site.key("gateway", "events:write")
    moments = [f"2026-05-19T11:59:{n % 60:02d}Z" for n in range(60)]
    site.post("/events", [request_event("berta", str(n), at) for n, at in enumerate(moments)], writer)
    site.work()
    first = site.get("/players/berta/log?limit=25", site.key("root", "admin")).json
    later = [request_event("berta", f"later{n}", at) for n, at in enumerate(moments[:20])]
    site.post("/events", later, writer)
    site.work()
    rest = []
    cursor = first["cursor"]
    while cursor:
        page = site.get(f"/players/berta/log?limit=9&cursor={cursor}", site.key("root", "admin")).json
        rest += page["entries"]
        cursor = page["cursor"]
    entries = first["entries"] + rest
    times = [entry["time"] for entry in entries]
    assert times == sorted(times, reverse=True)
    ids = [entry["id"] for entry in entries]
    # Later events are further down, each after the event of the same moment that was committed before it.
    assert ids[:40] == [str(n) for n in reversed(range(20, 60))]
    assert ids[40:] == [name for n in reversed(range(20)) for name in (f"later{n}", str(n))]


def test_events_of_a_minute_are_newest_first_in_any_order_of_commits(site: Site, anna: str) -> None:
    writer = site.key("gateway", "events:write")
    for second in (10, 50, 30, 5):
        site.post("/events", request_event("berta", str(second), f"2026-05-19T11:58:{second:02d}Z"), writer)
        site.work()
    log = site.get("/players/berta/log", site.key("root", "admin")).json
    assert [entry["id"] for entry in log["entries"]] == ["50", "30", "10", "5"]


def test_awards_among_many_events(site: Site, anna: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A filtered page may be short, but its cursor continues."""
    monkeypatch.setattr(read_log, "MAX_QUERIES", 1)
    granter = site.key("granter", "awards:grant")
    site.post("/awards", {"player": "anna", "points": 5, "reason": "old", "timestamp": "2026-05-14T09:00:00Z"}, granter)
    site.work()
    found = pages(site, "/awards", anna, 1)
    assert [entry["reason"] for page in found for entry in page] == ["old"]
    assert len(found) > 2


def test_expired_rows_are_not_shown(site: Site, anna: str) -> None:
    """The simulated table has not deleted the expired rows."""
    site.world.sleep(91 * 86_400)
    site.post("/events", request_event("anna", "new", "2026-08-18T11:00:00Z"), site.key("gateway", "events:write"))
    site.work()
    shown = [entry for page in pages(site, "/log", anna, 2) for entry in page]
    assert [entry["id"] for entry in shown] == ["new"]


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        ("/badges?earned=maybe", "earned"),
        ("/calendar?days=31", "days"),
        ("/calendar?days=x", "days"),
        ("/log?limit=0", "limit"),
        ("/log?limit=101", "limit"),
        ("/log?limit=ten", "limit"),
        ("/log?cursor=%21", "cursor"),
        ("/log?cursor=abc", "cursor"),
        (f"/log?cursor={'x' * 65}", "cursor"),
        ("/awards?cursor=MTIzNA", "cursor"),
    ],
)
def test_parameters_out_of_range_are_refused(site: Site, anna: str, path: str, parameter: str) -> None:
    answer = site.get(path, anna)
    assert (answer.status, answer.json["code"], answer.json["parameter"]) == (400, "invalid_request", parameter)
    assert answer.json["error"].startswith(f"'{parameter}' must be ")
