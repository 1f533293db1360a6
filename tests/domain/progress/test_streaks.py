"""Active days, runs, milestones and their marks; late and repeated events."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.core.periods import date_of, number_of
from chalicelib.domain.progress.streaks import Streak
from chalicelib.domain.rules.ruleset import Rules
from tests.domain.progress.desk import DAY, NOON, Desk

TODAY = NOON // DAY


def active(desk: Desk, *ago: int) -> list[list[int]]:
    """Send one request on each of these days before today; return the milestones that each reached."""
    return [desk.send(time_ms=NOON - days * DAY).milestones for days in ago]


@pytest.mark.parametrize("milestone", [7, 14, 30, 60, 90, 180, 365])
def test_each_milestone_is_paid_when_first_reached(rules: Rules, milestone: int) -> None:
    desk = Desk(rules)
    desk.now_ms = NOON
    before = active(desk, *range(milestone, 1, -1))
    assert milestone not in chain.from_iterable(before)
    entry = desk.send(time_ms=NOON - DAY)
    assert entry.milestones == [milestone]
    assert entry.paid["streak_milestone"] == 15
    assert milestone not in active(desk, 0)[0]


def test_the_milestones_of_the_default_ruleset(rules: Rules) -> None:
    assert rules.milestones == [7, 14, 30, 60, 90, 180, 365]


def test_the_current_streak_counts_back_from_the_last_active_day_and_decays(desk: Desk) -> None:
    active(desk, 4, 3, 2)
    streak = desk.player().streak
    assert streak.current(TODAY - 2) == streak.current(TODAY - 1) == 3
    assert streak.current(TODAY) == 0
    active(desk, 0)
    assert (streak.current(TODAY), streak.longest, streak.last) == (1, 3, TODAY)
    active(desk, 1)
    assert (streak.current(TODAY), streak.longest) == (5, 5)


def test_an_unpaid_event_begins_no_streak(desk: Desk) -> None:
    desk.send("combo.created")
    assert desk.player().streak.current(TODAY) == 0


def test_a_late_event_fills_a_past_day_and_joins_two_runs(desk: Desk) -> None:
    active(desk, 6, 5, 4, 2, 1, 0)
    assert desk.player().streak.current(TODAY) == 3
    entry = desk.send(time_ms=NOON - 3 * DAY)
    assert (entry.milestones, entry.streak) == ([7], 7)
    assert desk.player().streak.marks == {7: [TODAY - 3]}
    assert desk.player().streak.current(TODAY) == 7


def test_a_repeated_day_changes_nothing(desk: Desk) -> None:
    active(desk, *range(6, -1, -1))
    marks = dict(desk.player().streak.marks)
    assert active(desk, 3, 0, 6) == [[], [], []]
    assert desk.player().streak.marks == marks
    assert desk.player().counters["streak_milestone"] == 1


def test_a_mark_stays_with_its_day_and_holds_for_the_joined_run(desk: Desk) -> None:
    assert active(desk, *range(30, 23, -1))[-1] == [7]
    assert active(desk, *range(21, 14, -1))[-1] == [7], "another run, without a mark"
    assert active(desk, 23, 22) == [[], [14]], "joined: 7 is marked twice, 14 is new"
    marks = desk.player().streak.marks
    assert marks == {7: [TODAY - 24, TODAY - 15], 14: [TODAY - 22]}
    assert active(desk, 14) == [[]]


def test_a_jump_pays_all_milestones_it_passes(desk: Desk) -> None:
    assert not any(active(desk, *range(20, 14, -1)))
    assert not any(active(desk, *range(13, 7, -1)))
    assert desk.send(time_ms=NOON - 7 * DAY).milestones == [7]
    entry = desk.send(time_ms=NOON - 14 * DAY)
    assert entry.milestones == [14], "7 is marked in the run already"


def test_a_jump_over_two_milestones_at_once(changed_rules: Callable[..., Rules]) -> None:
    desk = Desk(changed_rules(("milestones = [7, 14,", "milestones = [4, 5, 14,")))
    active(desk, 6, 5, 3, 2)
    entry = desk.send(time_ms=NOON - 4 * DAY)
    assert (entry.milestones, entry.paid["streak_milestone"]) == ([4, 5], 30)


@pytest.mark.parametrize("first", [date(2026, 12, 28), date(2028, 2, 25), date(2027, 2, 25), date(2026, 3, 27)])
def test_runs_cross_months_years_and_leap_days(first: date) -> None:
    streak, start = Streak(), number_of(first)
    for day in range(start, start + 10):
        assert streak.add(day)
        assert not streak.add(day)
    assert streak.run(start + 5) == (start, start + 9)
    assert streak.longest == 10
    assert not streak.is_active(start - 1)


@given(
    first=st.dates(date(2000, 1, 1), date(2030, 1, 1)).map(number_of),
    gaps=st.lists(st.sampled_from([1, 1, 1, 1, 2, 5, 300, 366]), max_size=40),
    lengths=st.lists(st.integers(1, 800), min_size=1, max_size=4),
)
def test_runs_equal_a_walk_day_by_day(first: int, gaps: list[int], lengths: list[int]) -> None:
    streak, days = Streak(), {first}
    for gap in gaps:
        days.add(max(days) + gap)
    for length in lengths:
        days |= set(range(max(days) + 2, max(days) + 2 + length))
    for day in days:
        streak.years[date_of(day).year] = streak.years.get(date_of(day).year, 0) | 1 << (
            date_of(day).timetuple().tm_yday - 1
        )
    for day in (first, min(days), max(days), sorted(days)[len(days) // 2]):
        start = end = day
        while start - 1 in days:
            start -= 1
        while end + 1 in days:
            end += 1
        assert streak.run(day) == (start, end)


class Counted(dict[int, int]):
    """Bitmaps that count how often one is looked at."""

    looked = 0

    def get(self, year: int, default: int = 0) -> int:  # type: ignore[override]
        self.looked += 1
        return super().get(year, default)


def bitmaps_read(rules: Rules, days: int, *, new_day: bool) -> int:
    """Return the number of bitmaps that one more event reads, for a player with a streak of so many days."""
    desk = Desk(rules)
    desk.send(time_ms=NOON - DAY)
    streak = desk.player().streak
    for day in range(TODAY - days, TODAY + (not new_day)):
        streak.add(day)
    streak.years = counted = Counted(streak.years)
    assert desk.send().streak == (days + 1 if new_day else None)
    return counted.looked


def test_an_event_reads_equally_many_bitmaps_for_every_length_of_the_streak(rules: Rules) -> None:
    assert bitmaps_read(rules, 1095, new_day=False) == bitmaps_read(rules, 1, new_day=False) == 1
    # Once a day the run is measured: a year's bitmap is looked at for each year that it spans, not for each day.
    assert bitmaps_read(rules, 1095, new_day=True) <= bitmaps_read(rules, 1, new_day=True) + 4 * 3


def test_streak_updated_has_the_current_length_on_change(desk: Desk) -> None:
    assert desk.send(time_ms=NOON - DAY).streak == 1
    assert desk.send().streak == 2
    assert desk.send().streak is None
    assert desk.send(time_ms=NOON - 5 * DAY).streak is None, "a lone past day leaves the current streak"
    assert desk.send("combo.created").streak is None


@pytest.mark.parametrize("type_", ["combo.created", "award", "lesson.completed", "referral.redeemed"])
def test_other_actions_make_no_streak_day(desk: Desk, type_: str) -> None:
    desk.send(type_, data={"points": 1, "reason": "r", "lessonId": "l"})
    assert desk.player().streak.years == {}
    assert "daysActive" not in desk.player().stats


def test_an_action_marked_in_the_ruleset_makes_a_streak_day(changed_rules: Callable[..., Rules]) -> None:
    desk = Desk(changed_rules(("combo_use = { xp = 2 }", "combo_use = { xp = 2, daily_max = 1, streak_day = true }")))
    desk.send("combo.used")
    assert desk.player().streak.current(TODAY) == 1


def test_an_unpaid_action_makes_no_day(changed_rules: Callable[..., Rules]) -> None:
    rules = changed_rules(("combo_use = { xp = 2 }", 'combo_use = { xp = 2, once_per = "comboId", streak_day = true }'))
    desk = Desk(rules)
    desk.send("combo.used", data={"comboId": "c"}, time_ms=NOON - DAY)
    assert desk.send("combo.used", data={"comboId": "c"}).unpaid == {"combo_use": "once_per_comboId"}
    assert desk.send("combo.used").unpaid == {"combo_use": "once_per_comboId"}
    assert desk.player().streak.current(TODAY) == 1
    assert not desk.player().streak.is_active(TODAY)
