"""A rotation that is stopped anywhere, again and again, comes to what one run after the other comes to."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from chalicelib.domain.rules.ruleset import Rules
from chalicelib.services.boards import publish_ranks
from chalicelib.services.boards.rotate_boards import rotate_boards
from chalicelib.settings import RULESETS
from chalicelib.store.boards.archives import read_cursor
from tests.pipeline import plant as plants
from tests.pipeline.plant import Plant
from tests.scripted_time import with_time
from tests.services.boards.test_rotate_boards import announced, archive, at, coins, play, set_clock

SUNDAY = at("2026-05-17T00:00:00") // 86_400_000
# Players of one step of telling ranks: so few that a board of four takes several.
AT_ONCE = 2


class Stopped(BaseException):
    """The process ended."""


@pytest.fixture(scope="module")
def default_rules() -> Rules:
    return plants.rules(RULESETS / "default.toml")


@pytest.fixture
def plant(default_rules: Rules, monkeypatch: pytest.MonkeyPatch) -> Plant:
    """Make four players of Sunday, on Monday a minute after the bound of the day and of the week."""
    monkeypatch.setattr(publish_ranks, "RANKS_AT_ONCE", AT_ONCE)
    plant = plants.build(1, chosen=default_rules, start_ms=at("2026-05-17T12:00:00"))
    plants.start(plant, random.Random(1))
    play(plant, ada=9, bob=5, eve=3, kim=1)
    set_clock(plant, "2026-05-18T01:01:00")
    return plant


def is_closed(plant: Plant) -> bool:
    return all(read_cursor(plant.context.table, scope) == SUNDAY for scope in ("daily", "weekly"))


def check(plant: Plant) -> None:
    """Check the result of an uninterrupted rotation."""
    week, day = archive(plant, "weekly", "2026-W20"), archive(plant, "daily", "2026-05-17")
    assert [(each.total, each.done) for each in (week, day)] == [(4, True), (4, True)]
    assert [place.rank for place in week.top] == [1, 2, 3, 4]
    assert {player: coins(plant, player) for player in ("ada", "bob", "eve", "kim")} == {
        "ada": 100, "bob": 50, "eve": 50, "kim": 20,
    }  # fmt: skip
    assert len({domain_event["id"] for domain_event in announced(plant)}) == 2


@contextmanager
def stopped_at(plant: Plant, call: int, *, after: bool) -> Iterator[None]:
    """Stop the process at its `call`-th call, before or after the effect."""
    working, calls = plant.world.execute, iter(range(1, 10**6))

    def execute(*request: Any) -> Any:
        last = next(calls) == call
        if last and not after:
            raise Stopped
        answer = working(*request)
        if last:
            raise Stopped
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plant.world, "execute", execute)
        yield


@pytest.mark.parametrize("after", [False, True])
def test_a_run_that_dies_one_call_later_than_the_one_before(plant: Plant, after: bool) -> None:
    """Run k dies at its k-th call if it gets so far: so each death is met at many states of the boards."""
    deaths = 0
    for call in range(1, 200):
        if is_closed(plant):
            break
        with stopped_at(plant, call, after=after):
            try:
                assert rotate_boards(plant.context).failed == {}
            except Stopped:
                deaths += 1
        plant.world.run()
        plant.world.sleep(20)
    assert deaths > 30
    assert is_closed(plant)
    check(plant)


@pytest.mark.parametrize("questions", [2, 3, 5])
def test_a_run_whose_time_is_up_leaves_the_rest_to_the_next(plant: Plant, questions: int) -> None:
    """Test runs with time for so many steps: to begin the archive of one board and publish some ranks, or more."""
    runs = 0
    while not is_closed(plant):
        left = iter([True] * questions + [False] * 200)
        assert rotate_boards(with_time(plant.context, lambda left=left: next(left))).failed == {}
        plant.world.run()
        plant.world.sleep(61)
        runs += 1
        assert runs < 40
    plant.world.run()
    check(plant)
