from __future__ import annotations

import random
from typing import Any

import pytest

from tests.api.conftest import Site, request_event


def shape(answer: Any) -> list[tuple[int, int]]:
    return [(entry["rank"], entry["score"]) for entry in answer.json["entries"]]


def competition(scores: list[int]) -> list[tuple[int, int]]:
    return [(1 + sum(other > score for other in scores), score) for score in sorted(scores, reverse=True)]


def test_events_on_every_board(site: Site) -> None:
    writer = site.key("gateway", "events:write")
    site.post("/events", [request_event("anna", "1"), request_event("anna", "2"), request_event("berta", "1")], writer)
    site.post("/events", [{"type": "combo.created", "apiKeyId": "anna", "id": "c"}], writer)
    site.work()
    for scope, period in (("global", "all"), ("daily", "2026-05-19"), ("weekly", "2026-W21"), ("monthly", "2026-05")):
        board = site.get(f"/leaderboard?scope={scope}").json
        assert (board["scope"], board["period"], board["total"]) == (scope, period, 2)
        assert [entry["rank"] for entry in board["entries"]] == [1, 2]
        assert board["updatedAt"].startswith("2026-05-19T12:0")
        assert site.get(f"/leaderboard?scope={scope}&period={period}").json == board
    assert site.get("/leaderboard?scope=contributions").json["total"] == 2
    assert site.get("/leaderboard?scope=weekly&period=2026-W20").json == {
        "scope": "weekly",
        "period": "2026-W20",
        "entries": [],
        "total": 0,
        "updatedAt": None,
    }


def test_ties_share_a_rank_wherever_they_are_read(site: Site) -> None:
    rng = random.Random(4)
    scores = [rng.randrange(1, 9) for _ in range(60)]
    for number, score in enumerate(scores):
        site.put_on_board(f"p{number}", score)
    expected = competition(scores)
    assert shape(site.get("/leaderboard?limit=200")) == expected
    for limit in (1, 7, 50):
        for offset in range(0, 70, 3):
            answer = site.get(f"/leaderboard?limit={limit}&offset={offset}")
            assert shape(answer) == expected[offset : offset + limit], (limit, offset)
            assert answer.json["total"] == 60


def test_ties_are_ordered_by_time_then_by_id(site: Site) -> None:
    for player, reached in (("late", 9), ("b", 5), ("a", 5), ("early", 1)):
        site.put_on_board(player, 10, reached_at=reached, name=player)
    assert [entry["displayName"] for entry in site.get("/leaderboard").json["entries"]] == ["early", "a", "b", "late"]


def test_default_limit_is_fifty(site: Site) -> None:
    for number in range(51):
        site.put_on_board(f"p{number}", number + 1)
    assert len(site.get("/leaderboard").json["entries"]) == 50


@pytest.fixture
def masked(site: Site) -> Site:
    site.put_on_board("anna", 40, public_id="a" * 16)
    site.put_on_board("named", 30, public_id="b" * 16, name="Nora")
    site.put_on_board("shy", 20, public_id="c" * 16, name="Sherry", private=True)
    site.put_on_board("berta", 10, public_id="d" * 16)
    return site


def names(site: Site, key: str = "") -> list[tuple[str | None, str]]:
    entries = site.get("/leaderboard", key).json["entries"]
    return [(entry["apiKeyId"], entry["displayName"]) for entry in entries]


def test_public_callers_get_masked_entries(masked: Site) -> None:
    shown = names(masked)
    assert [each[0] for each in shown] == ["a" * 16, "named", None, "d" * 16]
    assert shown[0][1].startswith("User***")
    assert shown[0][1][7:].isdigit()
    assert len(shown[0][1]) == 11
    assert [shown[1][1], shown[2][1]] == ["Nora", "Player #3"]
    text = masked.get("/leaderboard").text
    assert "anna" not in text
    assert "shy" not in text
    assert "Sherry" not in text


def test_players_get_their_own_entry_unmasked(masked: Site) -> None:
    assert names(masked, masked.key("anna"))[0][0] == "anna"
    assert names(masked, masked.key("anna"))[1:] == names(masked)[1:]
    assert names(masked, masked.key("shy"))[2] == ("shy", "Sherry")


def test_admins_get_all_entries_unmasked(masked: Site) -> None:
    assert [each[0] for each in names(masked, masked.key("root", "admin"))] == ["anna", "named", "shy", "berta"]


def test_hidden_players_and_zero_scores_are_not_on_the_board(site: Site) -> None:
    site.put_on_board("anna", 10, name="anna")
    site.put_on_board("gone", 20, name="gone")
    site.put_on_board("gone", 20, version=2, hidden=True)
    site.put_on_board("zero", 0)
    board = site.get("/leaderboard").json
    assert board["total"] == 1
    assert [(entry["rank"], entry["displayName"]) for entry in board["entries"]] == [(1, "anna")]


@pytest.mark.parametrize(
    ("query", "parameter", "says"),
    [
        ("scope=galaxy", "scope", "global, daily, weekly, monthly, tokens_shared, contributions"),
        (f"scope={'x' * 33}", "scope", "at most 32 characters"),
        ("limit=0", "limit", "from 1 to 200"),
        ("limit=201", "limit", "from 1 to 200"),
        ("limit=ten", "limit", "from 1 to 200"),
        ("limit=-1", "limit", "from 1 to 200"),
        ("offset=-1", "offset", "from 0 to 1000000000000"),
        ("offset=1000000000001", "offset", "from 0 to 1000000000000"),
        ("offset=NaN", "offset", "from 0 to 1000000000000"),
        ("period=2026-05-19", "period", "all"),
        ("scope=daily&period=2026-5-19", "period", "2026-05-19"),
        ("scope=daily&period=2026-02-30", "period", "2026-05-19"),
        ("scope=weekly&period=2026-21", "period", "2026-W21"),
        ("scope=weekly&period=2025-W53", "period", "2026-W21"),
        ("scope=monthly&period=2026-13", "period", "2026-05"),
    ],
)
def test_parameters_out_of_range_are_refused(site: Site, query: str, parameter: str, says: str) -> None:
    answer = site.get(f"/leaderboard?{query}")
    assert (answer.status, answer.json["code"], answer.json["parameter"]) == (400, "invalid_request", parameter)
    assert f"'{parameter}'" in answer.json["error"]
    assert says in answer.json["error"]


def test_days_are_kept_for_thirty_days(site: Site) -> None:
    assert site.get("/leaderboard?scope=daily&period=2026-04-19").status == 200
    gone = site.get("/leaderboard?scope=daily&period=2026-04-18")
    assert (gone.status, gone.json["code"]) == (404, "not_found")
    assert site.get("/leaderboard?scope=weekly&period=2020-W01").status == 200


def test_a_future_period_is_empty(site: Site) -> None:
    answer = site.get("/leaderboard?scope=daily&period=2026-05-20")
    assert (answer.status, answer.json["entries"], answer.json["total"]) == (200, [], 0)
    site.put_on_board("early", 3, "daily#2026-05-20")
    assert site.get("/leaderboard?scope=daily&period=2026-05-20").json["total"] == 1


@pytest.mark.parametrize("offset", [200, 1000, 10**12])
def test_an_offset_beyond_the_end_returns_no_entries(site: Site, offset: int) -> None:
    site.put_all_on_board([(f"p{number}", number + 1) for number in range(200)])
    answer = site.get(f"/leaderboard?offset={offset}").json
    assert (answer["entries"], answer["total"], answer["updatedAt"]) == ([], 200, None)


def test_any_offset_costs_the_same(site: Site) -> None:
    site.put_all_on_board([(f"p{number:04d}", 1 + number // 2) for number in range(2000)])
    meter = site.world.dynamodb.meter
    for offset in (0, 100, 999, 1900):
        meter.reset()
        entries = site.get(f"/leaderboard?offset={offset}").json["entries"]
        assert [entry["rank"] for entry in entries] == [1 + place // 2 * 2 for place in range(offset, offset + 50)]
        assert meter.calls <= 5
        assert meter.read_units <= 4.0


def test_a_board_of_many_pages(site: Site) -> None:
    """More entries than one page of a query holds (1 MB)."""
    scores = {f"p{number}" + "x" * 100: 5 if number % 2 else number + 10 for number in range(3000)}
    site.put_all_on_board(scores.items(), title="t" * 200)
    answer = site.get("/leaderboard?limit=3&offset=2990")
    assert answer.json["total"] == 3000
    assert [entry["rank"] for entry in answer.json["entries"]] == [1501] * 3
