"""The level table, to the letter."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, localcontext

import pytest

from chalicelib.domain.rules.levels import Levels, step, thresholds
from chalicelib.domain.rules.ruleset import Rules
from tests.domain.progress.desk import Desk


@pytest.mark.parametrize(
    ("xp", "level", "to_next"),
    [
        (0, 1, 282),
        (281, 1, 1),
        (282, 2, 519),
        (800, 2, 1),
        (801, 3, 800),
        (5_000, 6, 1_040),
        (14_163, 9, 1),
        (14_164, 10, 3_648),
        (1_000_000, 56, 2_661),
        (4_049_979, 100, None),
        (10**12, 100, None),
        (-50, 1, 282),
    ],
)
def test_level_table(rules: Rules, xp: int, level: int, to_next: int | None) -> None:
    assert rules.levels.level(xp) == level
    into, left = rules.levels.progress(xp)
    assert left == to_next
    assert into == max(0, xp) - rules.levels.thresholds[level - 1]


@pytest.mark.parametrize(
    ("first", "last", "title"),
    [(1, 9, "Beginner"), (10, 24, "Explorer"), (25, 49, "Expert"), (50, 74, "Master"), (75, 100, "Legend")],
)
def test_titles(rules: Rules, first: int, last: int, title: str) -> None:
    assert {rules.levels.title(level) for level in range(first, last + 1)} == {title}


def test_each_level_begins_exactly_at_its_threshold(rules: Rules) -> None:
    assert rules.levels.cap == len(rules.levels.thresholds) == 100
    for level, total in enumerate(rules.levels.thresholds, 1):
        assert rules.levels.level(total) == level
        assert level == 1 or rules.levels.level(total - 1) == level - 1


@pytest.mark.parametrize(("base", "half_powers"), [(100, 3), (7, 1), (999_999, 8), (1, 0), (33, 5)])
def test_a_step_is_the_exact_floor(base: int, half_powers: int) -> None:
    with localcontext() as context:
        context.prec = 60
        for level in range(2, 1001):
            exact = (Decimal(base) ** 2 * Decimal(level) ** half_powers).sqrt()
            assert step(base, half_powers, level) == int(exact)


def test_thresholds_are_the_sums() -> None:
    assert thresholds(100, 3, 4) == (0, 282, 801, 1601)


def test_a_list_of_thresholds_replaces_the_formula(changed_rules: Callable[..., Rules]) -> None:
    changed = changed_rules(("base = 100\nexponent = 1.5\ncap = 100\n", "thresholds = [0, 10, 25]\n"))
    assert [changed.levels.level(xp) for xp in (0, 9, 10, 24, 25, 10**9)] == [1, 1, 2, 2, 3, 3]
    assert changed.levels.cap == 3


def test_one_level_only() -> None:
    assert Levels((0,), ((1, "Only"),)).progress(5) == (5, None)


def test_a_level_up_pays_tokens_for_each_level(desk: Desk) -> None:
    entry = desk.send("award", data={"points": 801 - 25, "reason": "r"})
    assert desk.player().xp == 801
    assert entry.levels == (1, 3)
    assert entry.credits == {"tokens": 200}
    assert desk.send("tournament.lost").levels is None


def test_a_fall_and_a_second_rise_pay_nothing(desk: Desk) -> None:
    desk.send("award", data={"points": 801, "reason": "up"})
    fall = desk.send("award", data={"points": -1_000, "reason": "down"})
    assert (desk.player().xp, desk.player().level(desk.rules)) == (-174, 1)
    assert (fall.levels, fall.credits) == (None, {})
    again = desk.send("award", data={"points": 1_000, "reason": "up again"})
    assert (again.levels, again.credits) == (None, {})
    higher = desk.send("award", data={"points": 800, "reason": "higher"})
    assert (higher.levels, higher.credits) == ((3, 4), {"tokens": 100})


def test_no_reward_is_a_ruleset_s_choice(changed_rules: Callable[..., Rules]) -> None:
    desk = Desk(changed_rules(('reward = { asset = "tokens", amount = 100 }\n', "")))
    entry = desk.send("award", data={"points": 500, "reason": "r"})
    assert (entry.levels, entry.credits) == ((1, 2), {})
