"""Tests of the archives of closed boards over HTTP; players are masked by their present settings."""

from __future__ import annotations

from typing import Any

from chalicelib.domain.identity.names import display_name
from chalicelib.store.boards.archives import start_cursor
from chalicelib.store.progress.players import load_player
from tests.api.conftest import Site, request_event

ARCHIVE = "/leaderboard/archive?scope=daily"


def closed(site: Site, **requests: int) -> None:
    """Put the players on today's board, then close it."""
    start_cursor(site.context.table, "daily", site.world.now_ms() // 86_400_000 - 1)
    for player, number in requests.items():
        for each in range(number):
            site.post("/events", request_event(player, f"{player}-{each}"), key=site.key("gate", "events:write"))
    site.work()
    site.world.sleep(14 * 3600)
    site.close_boards()


def public(site: Site, player: str) -> str:
    found = load_player(site.context.table, player)
    assert found is not None
    return found.identity.public


def entries(site: Site, **options: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = site.get(ARCHIVE, **options).json["entries"]
    return found


def test_the_default_archive_is_of_the_last_ended_day(site: Site) -> None:
    closed(site, ada=3, bob=1, eve=1)
    answer = site.get(ARCHIVE)
    assert answer.status == 200
    assert (answer.json["period"], answer.json["total"]) == ("2026-05-19", 3)
    assert [entry["rank"] for entry in answer.json["entries"]] == [1, 2, 2]
    assert answer.json["champion"] == answer.json["entries"][0]
    assert answer.json["champion"]["apiKeyId"] == public(site, "ada")
    assert answer.json["frozenAt"].startswith("2026-05-20T02:")
    assert site.get(ARCHIVE + "&period=2026-05-19&limit=1").json == answer.json | {
        "entries": answer.json["entries"][:1]
    }
    assert site.get(ARCHIVE, If_None_Match=answer.headers["ETag"]).status == 304


def test_entries_show_present_names(site: Site) -> None:
    closed(site, ada=3, bob=2, eve=1)
    site.change_identity("ada", display_name={"S": "Ada L."})
    site.change_identity("bob", private={"BOOL": True})
    site.change_identity("eve", hidden={"BOOL": True})
    named = [(entry["apiKeyId"], entry["displayName"], entry["hidden"]) for entry in entries(site)]
    assert named == [("ada", "Ada L.", False), (None, "Player #2", False), (None, "Hidden player", True)]
    named = [(entry["apiKeyId"], entry["hidden"]) for entry in entries(site, key=site.key("root", "admin"))]
    assert named == [("ada", False), ("bob", False), ("eve", True)]


def test_an_erased_player_keeps_a_rank_without_a_name(site: Site) -> None:
    closed(site, ada=1)
    site.context.table.delete((f"PUBLIC#{public(site, 'ada')}", "PLAYER"))
    (entry,) = entries(site, key=site.key("root", "admin"))
    assert (entry["apiKeyId"], entry["displayName"], entry["hidden"]) == (None, "Hidden player", True)


def test_an_archive_outlives_its_board(site: Site) -> None:
    closed(site, ada=2)
    site.world.sleep(40 * 86_400)
    assert site.get("/leaderboard?scope=daily&period=2026-05-19").status == 404
    (entry,) = entries_of(site, "&period=2026-05-19")
    assert entry["displayName"] == display_name(public(site, "ada"), None)


def entries_of(site: Site, more: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = site.get(ARCHIVE + more).json["entries"]
    return found


def test_boards_without_an_archive_are_not_found(site: Site) -> None:
    assert site.get(ARCHIVE + "&period=2026-05-19").status == 404
    for query, parameter in (
        ("scope=global", "scope"),
        ("scope=nope", "scope"),
        ("period=2026-05-19", "period"),
        ("scope=daily&period=2026-W20", "period"),
        ("scope=daily&limit=101", "limit"),
    ):
        answer = site.get(f"/leaderboard/archive?{query}")
        assert (answer.status, answer.json.get("parameter")) == (400, parameter), query
