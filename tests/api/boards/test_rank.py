from __future__ import annotations

import random
from typing import Any

import pytest

from tests.api.conftest import Site, request_event


@pytest.fixture
def anna(site: Site) -> str:
    return site.key("anna")


def test_rank_with_neighbours(site: Site, anna: str) -> None:
    for number, score in enumerate((90, 80, 70, 70, 60, 50, 40, 40, 30, 20, 10, 5)):
        site.put_on_board(f"p{number}", score, name=f"n{number}", reached_at=number)
    site.put_on_board("anna", 45, name="Anna", level=4, title="Adept")
    answer = site.get("/rank", anna)
    assert answer.status == 200
    own = answer.json
    neighbours = own.pop("neighbours")
    assert own == {
        "scope": "global",
        "period": "all",
        "rank": 7,
        "score": 45,
        "percentile": 4615,  # 6 of 13
        "total": 13,
        "pointsToNext": 5,
    }
    assert [(each["rank"], each["displayName"], each["you"]) for each in neighbours] == [
        (2, "n1", False),
        (3, "n2", False),
        (3, "n3", False),
        (5, "n4", False),
        (6, "n5", False),
        (7, "Anna", True),
        (8, "n6", False),
        (8, "n7", False),
        (10, "n8", False),
        (11, "n9", False),
        (12, "n10", False),
    ]
    assert neighbours[5] == {
        "rank": 7,
        "apiKeyId": "anna",
        "displayName": "Anna",
        "score": 45,
        "level": 4,
        "title": "Adept",
        "you": True,
    }


def test_every_board_of_an_event(site: Site, anna: str) -> None:
    site.post("/events", [request_event("anna", "1")], site.key("gateway", "events:write"))
    site.work()
    for scope, period in (("global", "all"), ("daily", "2026-05-19"), ("weekly", "2026-W21"), ("monthly", "2026-05")):
        own = site.get(f"/rank?scope={scope}", anna).json
        assert (own["scope"], own["period"], own["rank"], own["total"]) == (scope, period, 1, 1)
        assert own["score"] > 0
        assert (own["percentile"], own["pointsToNext"]) == (0, None)
        assert [each["you"] for each in own["neighbours"]] == [True]
        assert site.get(f"/rank?scope={scope}&period={period}", anna).json == own
    assert site.get("/rank?scope=weekly&period=2026-W20", anna).json["rank"] is None


def test_a_player_off_the_board(site: Site, anna: str) -> None:
    site.put_on_board("berta", 3)
    nowhere = {
        "scope": "global",
        "period": "all",
        "rank": None,
        "score": 0,
        "percentile": None,
        "total": 1,
        "pointsToNext": None,
        "neighbours": [],
    }
    assert site.get("/rank", anna).json == nowhere
    site.put_on_board("anna", 5)
    assert site.get("/rank", anna).json["rank"] == 1
    site.put_on_board("anna", 5, version=2, hidden=True)
    assert site.get("/rank", anna).json == nowhere
    site.put_on_board("anna", 0, version=3)
    assert site.get("/rank", anna).json == nowhere
    site.put_on_board("anna", 2, version=4)
    assert (site.get("/rank", anna).json["rank"], site.get("/rank", anna).json["pointsToNext"]) == (2, 1)


def test_neighbours_are_shown_as_on_pages(site: Site, anna: str) -> None:
    site.put_on_board("berta", 40, public_id="b" * 16)
    site.put_on_board("named", 30, name="Nora")
    site.put_on_board("shy", 20, name="Sherry", private=True)
    site.put_on_board("anna", 10, name="Anna", private=True)
    answer = site.get("/rank", anna)
    shown = [(each["apiKeyId"], each["displayName"]) for each in answer.json["neighbours"]]
    assert shown[0][0] == "b" * 16
    assert shown[0][1].startswith("User***")
    assert shown[1:] == [("named", "Nora"), (None, "Player #3"), ("anna", "Anna")]
    assert "berta" not in answer.text
    assert "Sherry" not in answer.text
    everything = site.get("/rank", site.key("berta", "admin")).json["neighbours"]
    assert [each["apiKeyId"] for each in everything] == ["berta", "named", "shy", "anna"]


def test_a_tie_of_more_than_the_neighbours(site: Site, anna: str) -> None:
    site.put_all_on_board([(f"p{number}", 7) for number in range(40)])
    site.put_on_board("top", 19)
    site.put_on_board("anna", 7, reached_at=10**12)
    own = site.get("/rank", anna).json
    assert (own["rank"], own["percentile"], own["pointsToNext"]) == (2, 0, 12)
    site.put_on_board("anna", 7, version=2, reached_at=9 * 10**12)
    own = site.get("/rank", anna).json
    assert (own["rank"], own["pointsToNext"]) == (2, 12)
    assert [each["rank"] for each in own["neighbours"]] == [2] * 6
    site.put_on_board("anna", 6, version=3)
    assert [each["rank"] for each in site.get("/rank", anna).json["neighbours"]] == [2] * 5 + [42]


@pytest.mark.parametrize("seed", range(4))
def test_pages_show_the_same_ranks_as_the_rank_operation(site: Site, seed: int) -> None:
    rng = random.Random(seed)
    most = rng.choice((3, 10, 200))
    site.put_all_on_board((f"p{number}", rng.randint(1, most)) for number in range(120))
    paged: list[dict[str, Any]] = []
    admin = site.key("root", "admin")
    while page := site.get(f"/leaderboard?limit=13&offset={len(paged)}", admin).json["entries"]:
        paged += page
    assert len(paged) == 120
    for place in rng.sample(range(120), 12):
        entry = paged[place]
        own = site.get("/rank", site.key(entry["apiKeyId"], "admin")).json
        assert (own["rank"], own["score"], own["total"]) == (entry["rank"], entry["score"], 120)
        shown = [{name: value for name, value in each.items() if name != "you"} for each in own["neighbours"]]
        assert shown == paged[max(0, place - 5) : place + 6]
        assert own["percentile"] == 10_000 * sum(each["score"] < entry["score"] for each in paged) // 120


@pytest.mark.parametrize(
    ("query", "parameter"),
    [("scope=galaxy", "scope"), ("period=2026", "period"), ("scope=weekly&period=2026-W54", "period")],
)
def test_parameters_out_of_range_are_refused(site: Site, anna: str, query: str, parameter: str) -> None:
    answer = site.get(f"/rank?{query}", anna)
    assert (answer.status, answer.json["code"], answer.json["parameter"]) == (400, "invalid_request", parameter)


def test_rank_requires_a_key(site: Site, anna: str) -> None:
    assert site.get("/rank").status == 401
    assert site.get("/rank?scope=daily&period=2026-04-18", anna).status == 404


def test_an_unchanged_rank_returns_304(site: Site, anna: str) -> None:
    site.put_on_board("anna", 3)
    first = site.get("/rank", anna)
    assert first.headers["Cache-Control"] == "private, no-cache"
    assert site.get("/rank", anna, If_None_Match=first.headers["ETag"]).status == 304
    site.put_on_board("berta", 2)
    assert site.get("/rank", anna, If_None_Match=first.headers["ETag"]).status == 200


def test_cost_of_a_rank(site: Site, anna: str) -> None:
    """The cost of a rank, with the strong read of the API key (half a unit)."""
    site.put_all_on_board([(f"p{number}", 1 + number * number) for number in range(300)])
    site.put_on_board("anna", 160 * 160)
    site.get("/rank", anna)  # notes today's use of the key
    meter = site.world.dynamodb.meter
    meter.reset()
    assert site.get("/rank", anna).json["rank"] == 141
    assert meter.operations.keys() == {"GetItem", "BatchGetItem", "Query"}
    assert (meter.calls, meter.operations["GetItem"].calls) == (5, 1)
    assert meter.read_units - meter.operations["GetItem"].read <= 4.0
