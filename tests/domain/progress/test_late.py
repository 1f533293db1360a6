"""Events received after the end of their period and the grace: they count, but not on the boards of that period."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import msgspec
import pytest

from chalicelib.domain.core.periods import DAY_MS, late_for, moment_name, number_of
from chalicelib.domain.progress import scores as boards
from chalicelib.domain.progress.daily_stats import DailyStats
from chalicelib.domain.rules.ruleset import Rules
from tests.domain.progress.desk import Desk

HOUR = 3_600_000
# A Sunday that ends a week and a month; the last day of a year, in a week 53 that continues; a plain Tuesday.
SUNDAY, SYLVESTER, TUESDAY = (number_of(date(*day)) for day in ((2026, 5, 31), (2026, 12, 31), (2026, 5, 19)))
DAY, WEEK, MONTH = "daily", "weekly", "monthly"


@pytest.fixture
def rules(changed_rules: Callable[..., Rules]) -> Rules:
    """Return the default ruleset without the badge of a newcomer, whose XP would change the figures."""
    return changed_rules(("badge_earned = { xp = 25 }", "badge_earned = { xp = 0 }"))


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("day", "received", "late"),
    [
        (TUESDAY, "2026-05-19T12:00", ()),
        (TUESDAY, "2026-05-20T01:00", ()),
        (TUESDAY, "2026-05-20T01:00:00.001", (DAY,)),
        (TUESDAY, "2026-05-25T01:00", (DAY,)),
        (TUESDAY, "2026-05-25T01:00:00.001", (DAY, WEEK)),
        (TUESDAY, "2026-06-01T01:00:00.001", (DAY, WEEK, MONTH)),
        (SUNDAY, "2026-06-01T01:00", ()),
        (SUNDAY, "2026-06-01T01:00:00.001", (DAY, WEEK, MONTH)),
        # The month ends before the week does.
        (SYLVESTER, "2027-01-01T02:00", (DAY, MONTH)),
        (SYLVESTER, "2027-01-04T01:00", (DAY, MONTH)),
        (SYLVESTER, "2027-01-04T02:00", (DAY, WEEK, MONTH)),
        (SYLVESTER + 3, "2027-01-04T02:00", (DAY, WEEK)),
    ],
)
def test_an_event_is_late_after_the_end_and_the_grace(day: int, received: str, late: tuple[str, ...]) -> None:
    assert late_for(day, at(received), HOUR) == late
    assert late_for(day, at(received) + HOUR, 2 * HOUR) == late


def scores(desk: Desk, day: int) -> dict[str, tuple[int, int]]:
    found = boards.scores(desk.player(), [day], desk.rules)
    return {board.partition("#")[0]: points for board, points in found.items()}


def award(desk: Desk, points: int, time: str, received: str) -> Any:
    """Send an award with this time; its commit is when it is received."""
    desk.now_ms = at(received)
    return desk.send("award", time_ms=at(time), data={"points": points, "reason": f"{points} {received}"})


def test_late_xp_counts_on_every_board_that_is_still_open(rules: Rules) -> None:
    desk = Desk(rules)
    on_time = award(desk, 10, "2026-05-19T12:00", "2026-05-19T12:00")
    before = scores(desk, TUESDAY)
    late = award(desk, 7, "2026-05-19T13:00", "2026-05-22T09:00")
    counted = scores(desk, TUESDAY)
    assert (on_time.late, late.late) == ([], [DAY])
    assert {scope: xp for scope, (xp, _) in counted.items() if scope in (DAY, WEEK, MONTH, "global")} == {
        "global": 17, DAY: 10, WEEK: 17, MONTH: 17,
    }  # fmt: skip
    assert counted[DAY] == before[DAY], "its moment stays too, or those who share the score would change places"
    assert {counted[scope][1] for scope in (WEEK, MONTH, "global")} == {desk.now_ms}
    assert desk.player().day_stats.xp == 17, "the player's own calendar has all of it"


def test_an_event_late_for_the_month_may_be_in_time_for_the_week(rules: Rules) -> None:
    desk = Desk(rules)
    award(desk, 10, "2026-12-31T12:00", "2026-12-31T12:00")
    award(desk, 4, "2027-01-02T12:00", "2027-01-02T12:00")
    award(desk, 7, "2026-12-31T13:00", "2027-01-03T09:00")
    found = {scope: scores(desk, SYLVESTER)[scope] for scope in (DAY, WEEK, MONTH)}
    assert [found[scope][0] for scope in (DAY, WEEK, MONTH)] == [10, 21, 10]
    assert found[WEEK][1] > found[MONTH][1]
    # When the week is closed too, its days give the same.
    award(desk, 1, "2027-01-20T12:00", "2027-01-20T12:00")
    assert scores(desk, SYLVESTER).items() >= found.items()


def test_late_loss_does_not_lower_a_closed_board(rules: Rules) -> None:
    desk = Desk(rules)
    award(desk, 10, "2026-05-19T12:00", "2026-05-19T12:00")
    award(desk, -8, "2026-05-19T13:00", "2026-07-01T09:00")
    found = scores(desk, TUESDAY)
    assert [found[scope][0] for scope in ("global", DAY, WEEK, MONTH)] == [2, 10, 10, 10]


def test_on_time_and_late_in_any_order_are_the_same(rules: Rules) -> None:
    """Test that an event received in time may be applied after one that came late: a message retried for hours."""
    events = [("2026-05-19T12:00", 10), ("2026-05-20T00:59", 5), ("2026-05-20T08:00", 3), ("2026-05-26T00:00", 2)]
    results = []
    for order in (events, events[::-1], events[2:] + events[:2]):
        desk = Desk(rules, at("2026-05-27T00:00"))
        for received, points in order:
            data = {"points": points, "reason": received}
            desk.send("award", time_ms=at("2026-05-19T12:00"), data=data, receivedAt=moment_name(at(received)))
        results.append({scope: xp for scope, (xp, _) in scores(desk, TUESDAY).items()})
    assert results[0] == results[1] == results[2]
    assert [results[0][scope] for scope in ("global", DAY, WEEK, MONTH)] == [20, 15, 18, 20]


def test_a_day_without_late_xp_is_as_short_as_before() -> None:
    on_time = DailyStats()
    on_time.add_xp(5, DAY_MS)
    assert msgspec.json.encode(on_time) == b"[0,5,0,0,86400000,{},false,{}]"
    # What was written before there was such a thing.
    assert msgspec.json.decode(b"[0,5,0,0,86400000,{},false]", type=DailyStats) == on_time
