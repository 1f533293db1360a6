"""Tests of the settings by which players change their display, and admins hide them."""

from __future__ import annotations

import random
from typing import Any
from unittest.mock import patch

import pytest

from chalicelib.domain.core.periods import DAY_MS, moment_name
from chalicelib.services.progress import apply_events
from chalicelib.store.core.outcomes import Unknown
from tests.api.conftest import RETRY_AFTER, Site, request_event

BOARDS = ("global", "daily", "weekly", "monthly", "contributions")


@pytest.fixture
def anna(site: Site) -> str:
    """Return Anna's key; she is on several boards, with berta and carl."""
    writer = site.key("gateway", "events:write")
    for number, player in enumerate(("berta", "anna", "anna", "carl")):
        site.post("/events", request_event(player, str(number), comboId="c", skillUsed="s"), writer)
    site.work()
    return site.key("anna")


def places(site: Site, scope: str, key: str = "") -> dict[str, tuple[int, str | None]]:
    """Return name -> rank and id, as the board shows them."""
    entries = site.get(f"/leaderboard?scope={scope}", key).json["entries"]
    return {entry["displayName"]: (entry["rank"], entry["apiKeyId"]) for entry in entries}


def test_a_name_is_shown_at_once_and_on_every_board_within_seconds(site: Site, anna: str) -> None:
    answer = site.patch("/profile", {"displayName": "  Anna B. "}, anna)
    assert answer.status == 200
    assert answer.json["displayName"] == "Anna B."
    assert answer.json == site.get("/profile", anna).json
    assert answer.headers["Cache-Control"] == "no-store"
    began = site.world.now_ms()
    site.work()
    assert site.world.now_ms() - began < 60_000
    for scope in BOARDS:
        assert places(site, scope)["Anna B."] == (1, "anna")


def test_a_private_player_has_only_a_rank(site: Site, anna: str) -> None:
    site.patch("/profile", {"displayName": "Anna", "private": True}, anna)
    site.work()
    for scope in BOARDS:
        assert places(site, scope)["Player #1"] == (1, None)
        assert places(site, scope, anna)["Anna"] == (1, "anna")
    answer = site.patch("/profile", {"private": False, "displayName": None}, anna)
    assert (answer.json["private"], answer.json["displayName"][:7]) == (False, "User***")
    site.work()
    name = answer.json["displayName"]
    assert {places(site, scope)[name][0] for scope in BOARDS} == {1}


def test_the_same_change_again_shows_the_same_profile(site: Site, anna: str) -> None:
    first = site.patch("/profile", {"displayName": "Anna"}, anna)
    assert len(site.events("own")) == 1
    assert site.patch("/profile", {"displayName": "Anna"}, anna).json == first.json
    assert len(site.events("own")) == 2, "a wish of its own: an older, other one may still be on its way"
    assert site.patch("/profile", {}, anna).json == first.json
    assert len(site.events("own")) == 2, "no change, no event"
    site.work()
    assert site.get("/profile", anna).json == first.json
    entries = site.get("/log", anna).json["entries"]
    assert [entry["type"] for entry in entries].count("profile.changed") == 2
    assert "profile.changed" not in site.get("/players/anna/log", site.key("berta")).text


@pytest.mark.parametrize(
    ("body", "parameter"),
    [
        ({"displayName": ""}, "displayName"),
        ({"displayName": " \u3000 "}, "displayName"),
        ({"displayName": "x" * 51}, "displayName"),
        ({"displayName": "two\nlines"}, "displayName"),
        ({"displayName": "\u202eanna"}, "displayName"),
        ({"displayName": "\u200d"}, "displayName"),
        ({"displayName": "\u3164"}, "displayName"),
        ({"displayName": "User***0001"}, "displayName"),
        ({"displayName": "Рlауеr ＃2"}, "displayName"),
        ({"displayName": 7}, "displayName"),
        ({"private": "yes"}, "private"),
        ({"private": None}, "private"),
        ({"hidden": False}, "hidden"),
        ([], None),
    ],
)
def test_names_that_cannot_be_shown_are_refused(site: Site, anna: str, body: Any, parameter: str | None) -> None:
    answer = site.patch("/profile", body, anna)
    assert (answer.status, answer.json["code"]) == (400, "invalid_request")
    assert answer.json.get("parameter") == parameter
    assert not site.events("own")


@pytest.mark.parametrize("name", ["x", "x" * 50, "Zoë", "李雷", "👩\u200d🚀", "می\u200cخواهم", "a b", "<b>"])
def test_names_of_all_scripts(site: Site, anna: str, name: str) -> None:
    assert site.patch("/profile", {"displayName": name}, anna).json["displayName"] == name


def test_the_message_names_the_problem_of_a_name(site: Site, anna: str) -> None:
    assert "visible" in site.patch("/profile", {"displayName": "\u3164"}, anna).json["error"]
    assert "masked player" in site.patch("/profile", {"displayName": "Player #2"}, anna).json["error"]
    assert site.patch("/profile", {"displayName": " 山田\u3000 太郎 "}, anna).json["displayName"] == "山田 太郎"


def test_a_name_earns_nothing(site: Site) -> None:
    assert site.patch("/profile", {"displayName": "Anna"}).status == 401
    newcomer = site.key("anna")
    profile = site.patch("/profile", {"displayName": "Anna"}, newcomer).json
    assert (profile["displayName"], profile["xp"], profile["badgeCount"]) == ("Anna", 0, 0)
    site.work()
    assert site.get("/leaderboard").json["total"] == 0
    site.post("/events", request_event("anna", "1"), site.key("gateway", "events:write"))
    site.work()
    assert places(site, "global") == {"Anna": (1, "anna")}
    assert site.get("/profile", newcomer).json["badgeCount"] == 2, "as for any first request"


def test_the_worker_makes_a_change_that_failed_after_it_was_queued(site: Site, anna: str) -> None:
    def fails(*_: Any) -> None:
        raise Unknown("no answer")

    with patch.object(apply_events, "commit", fails):
        answer = site.patch("/profile", {"displayName": "Anna"}, anna)
    assert (answer.status, answer.headers["Retry-After"] in RETRY_AFTER) == (503, True)
    assert site.get("/profile", anna).json["displayName"] != "Anna"
    site.work()
    assert site.get("/profile", anna).json["displayName"] == "Anna"
    assert places(site, "global")["Anna"] == (1, "anna")


def test_a_hidden_player_is_on_no_board_and_ranks_close_up(site: Site, anna: str) -> None:
    admin, berta = site.key("root", "admin"), site.key("berta")
    masked = site.get("/leaderboard").json["entries"][0]["apiKeyId"]
    before = {scope: site.get(f"/leaderboard?scope={scope}").json for scope in BOARDS}
    answer = site.post(f"/admin/players/{masked}/hide", None, admin)
    assert (answer.status, answer.json["accepted"]) == (202, 1)
    site.work()
    for scope in BOARDS:
        board = site.get(f"/leaderboard?scope={scope}").json
        assert board["total"] == 2
        assert [entry["rank"] for entry in board["entries"]] == [1, 1]
    own = site.get("/rank", anna).json
    assert (own["rank"], own["total"], own["neighbours"]) == (None, 2, [])
    assert site.get("/rank", berta).json["rank"] == 1
    assert site.get(f"/players/{masked}", berta).status == 404
    assert site.get("/players/anna", admin).json["hidden"] is True
    entry = site.get("/players/anna/log", admin).json["entries"][0]
    assert (entry["type"], entry["grantedBy"]) == ("player.hidden", "root")
    # Events of that time count, and are shown again with the player.
    site.post("/events", request_event("anna", "9"), site.key("gateway", "events:write"))
    site.work()
    assert site.get("/leaderboard").json["total"] == 2
    site.post("/admin/players/anna/unhide", None, admin)
    site.work()
    for scope in BOARDS:
        board = site.get(f"/leaderboard?scope={scope}").json
        more = 0 if scope == "contributions" else 1
        assert board["entries"][0] | {"score": 0} == before[scope]["entries"][0] | {"score": 0}
        assert board["entries"][0]["score"] == before[scope]["entries"][0]["score"] + more
    assert "player.unhidden" not in site.get("/players/anna/log", berta).text


def test_only_admins_hide(site: Site, anna: str) -> None:
    for decision in ("hide", "unhide"):
        assert site.post(f"/admin/players/anna/{decision}", None, anna).status == 403
        assert site.post(f"/admin/players/nobody/{decision}", None, site.key("root", "admin")).status == 404
    assert not site.events("own")


def test_hidden_and_shown_again_many_times_ends_as_last_decided(site: Site, anna: str) -> None:
    rng, admin = random.Random(3), site.key("root", "admin")
    for _ in range(6):
        decision = rng.choice(("hide", "unhide"))
        site.post(f"/admin/players/anna/{decision}", None, admin)
        site.patch("/profile", {"private": rng.random() < 0.5}, anna)
        site.work()
        shown = decision == "unhide"
        assert site.get("/players/anna", admin).json["hidden"] is not shown
        assert site.get("/leaderboard").json["total"] == 2 + shown


def test_boards_of_past_days_follow_as_long_as_they_are_kept(site: Site) -> None:
    """Both a day of last month and today show the new name."""
    writer, anna = site.key("gateway", "events:write"), site.key("anna")
    site.post("/events", request_event("anna", "old"), writer)
    site.work()
    site.world.sleep(20 * DAY_MS / 1000)
    site.post("/events", request_event("anna", "new", moment_name(site.world.now_ms())), writer)
    site.work()
    site.patch("/profile", {"displayName": "Anna"}, anna)
    site.work()
    past = ("daily&period=2026-05-19", "weekly&period=2026-W21", "monthly&period=2026-05")
    for scope in (*past, *BOARDS[:4]):
        assert places(site, scope) == {"Anna": (1, "anna")}, scope
