"""Boards work for subjects of every kind: here a team, a kind without totals, next to players."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from chalicelib.domain.core.errors import InvalidRequest
from chalicelib.domain.core.subjects import player_subject
from chalicelib.domain.identity.permissions import ADMIN
from chalicelib.domain.progress.scores import BoardUpdate
from chalicelib.domain.rules.ruleset import Rules
from chalicelib.services.boards import publish_ranks, subject_scores
from chalicelib.services.boards.freeze_board import freeze_board
from chalicelib.services.boards.read_archive import read_archive
from chalicelib.services.boards.read_leaderboard import read_leaderboard
from chalicelib.services.boards.read_rank import read_rank
from chalicelib.services.boards.rebuild_board import rebuild_board
from chalicelib.services.boards.request_repairs import repair_board, request_recount, request_rewrites
from chalicelib.services.boards.rotate_boards import rotate_boards
from chalicelib.services.boards.subject_scores import load_states
from chalicelib.services.boards.writer import write_states
from chalicelib.services.context import Context
from chalicelib.services.identity.authenticate import Caller
from chalicelib.services.progress.publish_scores import send_updates, shard_for
from chalicelib.settings import RULESETS
from chalicelib.store.boards import keys
from chalicelib.store.boards.archives import read_archives
from tests.pipeline import plant as plants
from tests.pipeline.plant import Plant
from tests.services.boards.board_edits import GLOBAL, board, build, delete, edit, found, item, number, verify

TEAM = "team:red"
UNKNOWN = f"entry {TEAM}: expected a subject of a known kind (player), found kind team"
ADMIN_CALLER = Caller("admin", "key", frozenset({ADMIN}))


@pytest.fixture
def plant() -> Plant:
    """Make players p0 to p4 with the scores 1 to 5."""
    return build(5)


@pytest.fixture
def sharded() -> Plant:
    rules = plants.rules(RULESETS / "default.toml")
    boards = [msgspec.structs.replace(each, shards=3) for each in rules.ruleset.boards]
    return build(5, Rules(msgspec.structs.replace(rules.ruleset, boards=boards), rules.levels))


def play(plant: Plant, board: str, score: int, version: int = 1, **changes: Any) -> None:
    """Send the team's score update, as a message of the queue."""
    update = BoardUpdate(TEAM, score, version, plant.context.now_ms(), 1, "Beginner", "public-of-red", **changes)
    send_updates(plant.context, [(board, update)])
    plant.world.run()


def listed(plant: Plant, scope: str = "global") -> list[tuple[int, str | None, int]]:
    page = read_leaderboard(plant.context, ADMIN_CALLER, scope=scope)
    assert page.total == len(page.entries)
    return [(entry.rank, entry.api_key_id, entry.score) for entry in page.entries]


def scores(plant: Plant) -> dict[str, int]:
    return {f"p{each}": number(plant, keys.entry(GLOBAL, f"player:p{each}"), "score") for each in range(5)}


def test_a_team_is_ranked_and_listed_among_players(plant: Plant) -> None:
    of = scores(plant)
    play(plant, GLOBAL, of["p3"])
    assert listed(plant) == [
        (1, "p4", of["p4"]),
        (2, "p3", of["p3"]),
        (2, "public-of-red", of["p3"]),
        (4, "p2", of["p2"]),
        (5, "p1", of["p1"]),
        (6, "p0", of["p0"]),
    ]
    own = read_rank(plant.context, Caller("p2", "key", frozenset()))
    assert (own.rank, own.total, own.points_to_next) == (4, 6, of["p3"] - of["p2"])
    assert [(each.rank, each.you) for each in own.neighbours] == [
        (1, False), (2, False), (2, False), (4, True), (5, False), (6, False)
    ]  # fmt: skip


def test_a_team_has_no_real_id_for_any_caller(plant: Plant) -> None:
    play(plant, GLOBAL, 10**6, name="The Reds")
    for caller in (None, ADMIN_CALLER, Caller("red", "key", frozenset()), Caller(TEAM, "key", frozenset())):
        first = read_leaderboard(plant.context, caller).entries[0]
        assert (first.api_key_id, first.display_name) == ("public-of-red", "The Reds")
    play(plant, GLOBAL, 10**6, version=2, name="The Reds", private=True)
    first = read_leaderboard(plant.context, Caller("red", "key", frozenset())).entries[0]
    assert (first.api_key_id, first.display_name) == (None, "Player #1")


def test_a_player_whose_id_is_a_teams_subject_is_another_subject(plant: Plant) -> None:
    play(plant, GLOBAL, 50)
    state = BoardUpdate(player_subject(TEAM), 70, 1, plant.context.now_ms(), 1, "Beginner", "public-of-player")
    send_updates(plant.context, [(GLOBAL, state)])
    plant.world.run()
    assert (1, TEAM, 70) in listed(plant)
    own = read_rank(plant.context, Caller(TEAM, "key", frozenset()))
    assert (own.score, own.total) == (70, 7)


@pytest.mark.parametrize("plants_", ["plant", "sharded"])
def test_the_index_is_repaired_with_the_team_in_it(request: pytest.FixtureRequest, plants_: str) -> None:
    plant: Plant = request.getfixturevalue(plants_)
    play(plant, GLOBAL, 77)
    shard = shard_for(plant.context, GLOBAL, TEAM)
    assert found(plant) == [UNKNOWN]
    edit(plant, keys.node(shard, "TOTAL"), "ADD #00 :n", n=3)
    delete(plant, keys.node(shard, "0.0"))
    assert len(found(plant)) > 1
    request_recount(plant.context, GLOBAL)
    plant.world.run()
    assert found(plant) == [UNKNOWN]
    assert (77 in [score for _, _, score in listed(plant)], len(listed(plant))) == (True, 6)


def test_repair_rewrites_players_and_leaves_the_team(plant: Plant) -> None:
    play(plant, GLOBAL, 77)
    before, right = item(plant, keys.entry(GLOBAL, TEAM)), listed(plant)
    edit(plant, keys.entry(GLOBAL, "player:p1"), "SET #score = :n", n=1234)
    first, last = repair_board(plant.context, GLOBAL, plant.world.run)
    assert len(first.differences) > 1
    assert [str(each) for each in last.differences] == [UNKNOWN]
    assert item(plant, keys.entry(GLOBAL, TEAM)) == before
    assert listed(plant) == right


@pytest.mark.parametrize("text", ["ada", "player:a b"])
def test_an_entry_of_an_invalid_subject_does_not_stop_the_repair_of_others(plant: Plant, text: str) -> None:
    write_states(plant.context, GLOBAL, GLOBAL, [BoardUpdate(text, 77, 3, 1, 1, "Beginner", "x")])
    edit(plant, keys.entry(GLOBAL, "player:p1"), "SET #score = :n", n=1234)
    _, last = repair_board(plant.context, GLOBAL, plant.world.run)
    assert [each.subject for each in last.differences] == [text]


def test_a_rebuild_leaves_the_team(plant: Plant) -> None:
    play(plant, GLOBAL, 77)
    before = item(plant, keys.entry(GLOBAL, TEAM))
    delete(plant, keys.entry(GLOBAL, "player:p1"))
    assert [*rebuild_board(plant.context, GLOBAL)][-1].entries == 5
    plant.world.run()
    assert item(plant, keys.entry(GLOBAL, TEAM)) == before
    assert found(plant) == [UNKNOWN]


def test_an_entry_of_a_team_off_the_board_is_no_difference(plant: Plant) -> None:
    play(plant, GLOBAL, 77)
    play(plant, GLOBAL, 0, version=2)
    assert found(plant) == []
    assert verify(plant).entries == 6


def test_states_of_an_unknown_kind_are_not_taken_for_missing(plant: Plant) -> None:
    with pytest.raises(InvalidRequest, match="The kind of 'team:red' must be player"):
        load_states(plant.context, GLOBAL, ["player:p0", TEAM])


def test_a_kind_with_a_loader_is_verified_and_rewritten(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    truth = BoardUpdate(TEAM, 77, 4, plant.context.now_ms(), 1, "Beginner", "public-of-red")

    def load(context: Context, board: str, ids: Sequence[str]) -> list[tuple[BoardUpdate, int]]:
        return [(truth, 0) for each in ids if each == "red"]

    monkeypatch.setitem(subject_scores.LOADERS, "team", load)
    request_rewrites(plant.context, GLOBAL, [TEAM, "team:blue"])
    plant.world.run()
    assert found(plant) == []
    assert (1, "public-of-red", 77) in listed(plant)
    edit(plant, keys.entry(GLOBAL, TEAM), "SET #score = :n", n=5)
    assert "entry team:red: expected score 77 at version 4, found 5 at version 4" in found(plant)
    repair_board(plant.context, GLOBAL, plant.world.run)
    assert found(plant) == []


def test_a_team_is_frozen_and_archived_and_ranks_are_published_to_players_only() -> None:
    plant = build(5, plants.rules(RULESETS / "default.toml"))
    weekly = board(plant, "weekly")
    play(plant, weekly, 10**6)
    plant.sources["own"].concurrency = 0
    plant.world.sleep(14 * 86_400)
    for _ in range(4):
        rotation = rotate_boards(plant.context)
        assert rotation.failed == {}
        plant.world.run()
    play(plant, weekly, 10**7, version=2)
    period = weekly.partition("#")[2]
    archive = read_archives(plant.context.table, "weekly", [period])[period]
    assert (archive.done, archive.total) == (True, 6)
    assert (archive.top[0].rank, archive.top[0].public) == (1, "public-of-red")
    messages = plant.world.queue(plant.urls["own"]).messages()
    judged = [each for message in messages for each in json.loads(message.body)]
    week = {each["subject"]: each["data"]["rank"] for each in judged if each["data"]["scope"] == "weekly"}
    assert week == {"p4": 2, "p3": 3, "p2": 4, "p1": 5, "p0": 6}
    shown = read_archive(plant.context, ADMIN_CALLER, scope="weekly", period=period)
    assert (shown.total, shown.entries[0].hidden, shown.entries[0].score) == (6, True, 10**6)
    assert number(plant, keys.entry(weekly, TEAM), "score") == 10**6


def test_no_rank_is_published_for_a_team_in_a_large_tie(monkeypatch: pytest.MonkeyPatch) -> None:
    """Test a tie group that extends beyond the list of the archive: a scan of the board finds its members."""
    scans: list[int] = []
    scan = publish_ranks.tied_subjects
    monkeypatch.setattr(publish_ranks, "tied_subjects", lambda *args: scans.append(args[2]) or scan(*args))
    plant = build(0, plants.rules(RULESETS / "default.toml"))
    weekly = board(plant, "weekly")
    subjects = [TEAM, *(f"player:p{each:03}" for each in range(600))]
    now_ms = plant.context.now_ms()
    updates = [
        BoardUpdate(subject, 50, 1, now_ms - 600 + place, 1, "Beginner", f"{place:016x}")
        for place, subject in enumerate(subjects)
    ]
    send_updates(plant.context, [(weekly, update) for update in updates])
    plant.world.run()
    plant.sources["own"].concurrency = 0
    plant.world.sleep(14 * 86_400)
    for _ in range(4):
        assert rotate_boards(plant.context).failed == {}
        plant.world.run()
    archive = read_archives(plant.context.table, "weekly", [weekly.partition("#")[2]])["2026-W21"]
    assert (archive.done, archive.total, archive.top[0].public) == (True, 601, f"{0:016x}")
    messages = plant.world.queue(plant.urls["own"]).messages()
    judged = [each for message in messages for each in json.loads(message.body)]
    week = [(each["subject"], each["data"]["rank"]) for each in judged if each["data"]["scope"] == "weekly"]
    assert sorted(week) == [(f"p{each:03}", 1) for each in range(600)]
    assert 50 in scans


def test_a_freeze_keeps_a_teams_score(plant: Plant) -> None:
    play(plant, GLOBAL, 77)
    freeze_board(plant.context, GLOBAL, GLOBAL)
    play(plant, GLOBAL, 99, version=2, name="The Reds")
    team = item(plant, keys.entry(GLOBAL, TEAM))
    assert (team["score"], team["name"]) == ({"N": "77"}, {"S": "The Reds"})
