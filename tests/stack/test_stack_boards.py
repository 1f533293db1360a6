"""Tests of boards on the running stack: ranks of real traffic equal those by counting."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.cli import trace
from infra.local.stack import Stack
from tests.stack.altered import until
from tests.stack.conftest import Http
from tests.stack.test_stack_pipeline import PATIENCE_S, event, quiet, run_laurel, send

READERS = 4
ASKED = 12  # players whose own rank is read
DRAIN_S = 120.0
MakeKey = Callable[..., str]


def players_of(stack: Stack) -> list[str]:
    """Return all players with a profile, other tests' players too."""
    pages = stack.client("dynamodb").get_paginator("scan").paginate(
        TableName=stack.table,
        FilterExpression="sk = :s",
        ExpressionAttributeValues={":s": {"S": "STATE"}},
        ProjectionExpression="pk",
        ConsistentRead=True,
    )  # fmt: skip
    return [item["pk"]["S"].removeprefix("PLAYER#") for page in pages for item in page["Items"]]


def read_all(http: Http, key: str, players: list[str], path: str) -> list[dict[str, Any]]:
    with ThreadPoolExecutor(READERS) as pool:
        return list(pool.map(lambda player: http.get(path.format(player), key), players))


def counted(scores: dict[str, int]) -> dict[str, int]:
    """Return player -> rank, by counting the players with more."""
    ascending = sorted(scores.values())
    return {player: 1 + len(ascending) - bisect_right(ascending, score) for player, score in scores.items()}


def check_pages(http: Http, key: str, scope: str, scores: dict[str, int], limit: int) -> list[dict[str, Any]]:
    """Check that all pages of the board show these players, each with the rank by counting. Return the entries."""
    ranks, entries = counted(scores), http.pages(scope, key, limit)
    assert len(entries) == len(scores) == http.get(f"leaderboard?scope={scope}&limit=1", key)["total"]
    assert {entry["apiKeyId"]: (entry["rank"], entry["score"]) for entry in entries} == {
        player: (ranks[player], score) for player, score in scores.items()
    }
    assert [entry["rank"] for entry in entries] == sorted(ranks.values())
    return entries


@pytest.fixture(scope="module")
def replayed(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> int:
    """Replay 2,000 events of the shipped sample until the queues are empty. Return their number."""
    state = tmp_path_factory.mktemp("replay") / "state.json"
    run_laurel(stack, "replay", "--sample", "--days", "5", "--wait", "0", "--state", str(state))
    quiet(stack, DRAIN_S)
    return trace.inspect_file(trace.SAMPLE).rows


@pytest.mark.proof
def test_ranks_equal_those_by_counting_profiles(stack: Stack, http: Http, key: MakeKey, replayed: int) -> None:
    admin = key("auditor", "admin")
    players = players_of(stack)
    profiles = read_all(http, admin, players, "players/{}")
    sent = [profile["stats"]["requests"] for profile in profiles if profile["id"].startswith("player-")]
    assert sum(sent) >= replayed == 2000
    scores = {profile["id"]: profile["xp"] for profile in profiles if profile["xp"]}
    entries = check_pages(http, admin, "global", scores, 37)

    for place in range(0, len(entries), len(entries) // ASKED):
        player = entries[place]["apiKeyId"]
        score, found = scores[player], http.get("rank", key(player))
        assert (found["rank"], found["score"], found["total"]) == (entries[place]["rank"], score, len(scores))
        assert found["percentile"] == 10_000 * sum(other < score for other in scores.values()) // len(scores)
        better = [other for other in scores.values() if other > score]
        assert found["pointsToNext"] == (min(better) - score if better else None)
        around = [(entry["rank"], entry["apiKeyId"] if entry["you"] else "") for entry in found["neighbours"]]
        assert around == [
            (entry["rank"], player if entry["apiKeyId"] == player else "")
            for entry in entries[max(0, place - 5) : place + 6]
        ]


@pytest.mark.proof
def test_this_weeks_board_is_the_sum_of_its_days(stack: Stack, http: Http, key: MakeKey, replayed: int) -> None:
    admin, players = key("auditor", "admin"), players_of(stack)
    days = datetime.now(UTC).isoweekday()
    calendars = read_all(http, admin, players, "players/{}/calendar?days=30")
    sums = {
        player: max(0, sum(day["xp"] for day in calendar["days"][-days:]))
        for player, calendar in zip(players, calendars, strict=True)
    }
    assert sum(sums.values()) > 0 < replayed
    check_pages(http, admin, "weekly", {player: score for player, score in sums.items() if score}, 50)


def test_the_stream_publishes_changes_of_the_top_only(stack: Stack, http: Http, key: MakeKey) -> None:
    mine, path = key("sam"), "/api/gamification/stream?scope=daily"
    send(stack, event("sam", 1, model="a"))
    until(lambda: http.get("rank?scope=daily", mine)["rank"], PATIENCE_S, "on the board")
    quiet(stack)
    first = http.ask(path)
    assert (first.status, first.headers["Content-Type"]) == (200, "text/event-stream")
    published = fields(first.text)
    assert published["retry"] == "5000"
    top = http.get("leaderboard?scope=daily&limit=10")["entries"]
    assert json.loads(published["data"])["entries"] == top
    known = {"Last-Event-ID": published["id"]}
    assert fields(http.ask(path, **known).text).keys() == {"retry", ""}

    leader = top[0]["score"]
    award = {"player": "sam", "points": min(10_000, leader + 1), "reason": "test", "key": "stream"}
    assert http.ask("/api/gamification/awards", key("jury", "awards:grant"), award).status == 202
    published = until(lambda: fresh(http, path, known), PATIENCE_S, "the stream publishes the award")
    assert json.loads(published["data"])["entries"] == http.get("leaderboard?scope=daily&limit=10")["entries"]


def test_a_new_name_reaches_every_board_and_a_hidden_player_leaves_them(stack: Stack, http: Http, key: MakeKey) -> None:
    mine, admin, scopes = key("ren"), key("auditor", "admin"), ("global", "daily", "weekly", "monthly")
    send(stack, event("ren", 1, model="a"))
    until(lambda: all(own_entry(http, mine, scope) for scope in scopes), PATIENCE_S, "on all boards")
    before = [http.get(f"rank?scope={scope}", mine) for scope in scopes]

    answer = http.ask("/api/gamification/profile", mine, {"displayName": "Ren the Great"}, method="PATCH")
    assert (answer.status, answer.json["displayName"]) == (200, "Ren the Great")

    def renamed() -> bool:
        return all(own_entry(http, mine, scope)["displayName"] == "Ren the Great" for scope in scopes)

    until(renamed, PATIENCE_S, "all boards show the name")
    decide = "/api/gamification/admin/players/ren/"
    assert http.ask(decide + "hide", admin, method="POST").status == 202
    until(lambda: not any(own_entry(http, mine, scope) for scope in scopes), PATIENCE_S, "off all boards")
    assert http.ask(decide + "unhide", admin, method="POST").status == 202
    until(lambda: all(own_entry(http, mine, scope) for scope in scopes), PATIENCE_S, "on all boards again")
    quiet(stack)
    after = [http.get(f"rank?scope={scope}", mine) for scope in scopes]
    assert [board["rank"] for board in after] == [board["rank"] for board in before]
    assert renamed()


def own_entry(http: Http, key: str, scope: str) -> dict[str, Any]:
    """Return the entry of the key's player on the board's present period, empty if there is none."""
    found = http.get(f"rank?scope={scope}", key)["neighbours"]
    return next((entry for entry in found if entry["you"]), {})


def fresh(http: Http, path: str, known: dict[str, str]) -> dict[str, str] | None:
    found = fields(http.ask(path, **known).text)
    return found if "data" in found else None


def fields(text: str) -> dict[str, str]:
    """Return field -> value of an event stream's one event; a comment's field is empty."""
    pairs = (line.partition(": ") for line in text.strip().splitlines())
    return {name.rstrip(":"): value for name, _, value in pairs}
