"""Final standings are a sorted list's beginning, and say when they are not."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any

import msgspec
import pytest

from chalicelib.domain.core.subjects import player_of, player_subject
from chalicelib.domain.progress.scores import BoardUpdate, shards_of
from chalicelib.domain.rules.ruleset import Rules
from chalicelib.services.boards.worker import feed_boards
from chalicelib.settings import RULESETS
from chalicelib.store.boards import final_standings as reads
from chalicelib.store.boards.final_standings import Standings, final_standings, tied_subjects
from tests.pipeline import plant as plants
from tests.pipeline.plant import Plant

BOARD = "weekly#2026-W20"


def build(seed: int, shards: int = 1) -> Plant:
    default = plants.rules(RULESETS / "default.toml")
    boards = [msgspec.structs.replace(board, shards=shards) for board in default.ruleset.boards]
    return plants.build(seed, chosen=Rules(msgspec.structs.replace(default.ruleset, boards=boards), default.levels))


def feed(plant: Plant, spots: dict[str, tuple[int, int]], version: int = 1, **changes: Any) -> None:
    states = [
        BoardUpdate(player_subject(player), score, version, reached_at, 1, "Beginner", "0" * 16, **changes)
        for player, (score, reached_at) in spots.items()
    ]
    feed_boards(plant.context, BOARD, states)


def ids(subjects: Iterable[str]) -> list[str | None]:
    return [player_of(subject) for subject in subjects]


def used_shards(plant: Plant) -> int:
    """Return how many shards of the board have a log."""
    return sum(key[0].startswith(f"BOARD_LOG#{BOARD}") for key in plant.world.dynamodb.tables[plants.TABLE].rows)


def standings(plant: Plant, limit: int) -> Standings:
    shards = shards_of(BOARD, plant.context.rules.boards["weekly"].shards)
    return final_standings(plant.context.table, BOARD, shards, limit)


@pytest.mark.parametrize(("seed", "shards"), [(1, 1), (2, 1), (3, 3)])
def test_a_sorted_list_of_any_length(seed: int, shards: int) -> None:
    rng = random.Random(seed)
    plant = build(seed, shards)
    groups = [(rng.choice((1, 2, 5, 20)), rng.randrange(1, 2 ** rng.choice((6, 14, 25, 40)))) for _ in range(10)]
    groups.append((530, groups[rng.randrange(10)][1]))
    spots = {
        f"p{place}-{number}": (score, rng.randrange(10**4))
        for place, (size, score) in enumerate(groups)
        for number in range(size)
    }
    for start in range(0, len(spots), 300):
        feed(plant, dict(list(spots.items())[start : start + 300]))
    assert used_shards(plant) == shards
    expected = sorted(spots, key=lambda player: (-spots[player][0], spots[player][1], player))
    for limit in {1, 100, len(spots) + 1, *rng.sample(range(1, len(spots)), 4)}:
        found = standings(plant, limit)
        assert found.exact
        assert found.total == len(spots)
        players = ids(entry.subject for entry in found.entries)
        assert players == expected[: len(players)]
        assert len(players) >= min(limit, len(spots))
        more = len(players) < len(spots) and spots[expected[len(players)]][0] == spots[players[-1]][0]
        assert found.more_ties == more


def test_an_empty_board_has_no_standings() -> None:
    assert standings(build(1), 100) == Standings([], 0, more_ties=False, exact=True)


@pytest.mark.parametrize("lost", [0, 3, 6])
def test_an_entry_missing_in_the_index_is_noticed(monkeypatch: pytest.MonkeyPatch, lost: int) -> None:
    plant = build(1)
    feed(plant, {f"p{number}": (number // 3 + 1, number) for number in range(12)})
    working = reads.listed_entries

    def lagging(*args: Any) -> Any:
        listed = working(*args)
        return listed[:lost] + listed[lost + 1 :]

    monkeypatch.setattr(reads, "listed_entries", lagging)
    assert not standings(plant, 7).exact


def test_an_outdated_entry_of_the_index_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    plant = build(1)
    feed(plant, {"ada": (9, 1), "bob": (5, 2), "eve": (3, 3)})
    before = reads.listed_entries(plant.context.table, BOARD, None, 10)
    monkeypatch.setattr(reads, "listed_entries", lambda *_: before)
    feed(plant, {"bob": (6, 2)}, version=2)
    assert not standings(plant, 2).exact
    feed(plant, {"bob": (5, 2)}, version=3)
    assert standings(plant, 3).exact
    feed(plant, {"eve": (3, 3)}, version=4, hidden=True)
    assert not standings(plant, 3).exact


def test_a_writer_under_way_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    plant = build(1)
    feed(plant, {"ada": (9, 1)})
    working = reads.listed_entries

    def meanwhile(*args: Any) -> Any:
        monkeypatch.setattr(reads, "listed_entries", working)
        feed(plant, {"bob": (5, 2)})
        return working(*args)

    monkeypatch.setattr(reads, "listed_entries", meanwhile)
    assert not standings(plant, 1).exact
    assert standings(plant, 1).exact


def test_ties_are_found_in_the_base_table_page_by_page(monkeypatch: pytest.MonkeyPatch) -> None:
    plant = build(1)
    monkeypatch.setattr(reads, "SCAN_PAGE", 4)
    feed(plant, {f"p{number:02}": (7 if number % 3 else 8, number) for number in range(20)})
    feed(plant, {"p01": (7, 1)}, version=2, hidden=True)
    found: list[str | None] = []
    after: str | None = ""
    while after is not None:
        subjects, after = tied_subjects(plant.context.table, BOARD, 7, after)
        found += ids(subjects)
    assert found == [f"p{number:02}" for number in range(20) if number % 3 and number != 1]


def test_a_group_of_several_shards_that_is_too_large_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    plant = build(1, shards=3)
    monkeypatch.setattr(reads, "MAX_LISTED", 20)
    feed(plant, {f"p{number:02}": (7 if number else 9, number) for number in range(40)})
    assert used_shards(plant) == 3
    found = standings(plant, 10)
    assert ids(entry.subject for entry in found.entries) == [f"p{number:02}" for number in range(10)]
    assert (found.total, found.more_ties, found.exact) == (40, True, True)
