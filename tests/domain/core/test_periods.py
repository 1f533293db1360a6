"""UTC days, ISO weeks, months; and that period sums equal the log's."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta

import pytest

from chalicelib.domain.core import periods
from chalicelib.domain.core.errors import InvalidRequest
from chalicelib.domain.core.periods import (
    ALL_TIME,
    DAY_MS,
    ENDING,
    Period,
    day_name,
    ended_periods,
    moment_name,
    number_of,
    period_before,
    period_of,
    period_with_id,
)
from chalicelib.domain.progress.player import months_to_load
from chalicelib.domain.rules.ruleset import Rules
from tests.domain.progress.desk import DAY, NOON, Desk


@pytest.mark.parametrize(
    ("day", "week", "month"),
    [
        ("2026-05-19", "2026-W21", "2026-05"),
        ("2026-05-18", "2026-W21", "2026-05"),
        ("2026-05-17", "2026-W20", "2026-05"),
        ("2026-12-31", "2026-W53", "2026-12"),
        ("2027-01-01", "2026-W53", "2027-01"),
        ("2027-01-03", "2026-W53", "2027-01"),
        ("2027-01-04", "2027-W01", "2027-01"),
        ("2024-12-30", "2025-W01", "2024-12"),
        ("2028-02-29", "2028-W09", "2028-02"),
        ("2020-12-31", "2020-W53", "2020-12"),
    ],
)
def test_ids_of_periods(day: str, week: str, month: str) -> None:
    number = number_of(date.fromisoformat(day))
    found = [period_of(kind, number) for kind in (*ENDING, "all")]
    assert [period.id for period in found] == [day, week, month, "all"]
    assert [period.kind for period in found] == [*ENDING, "all"]
    assert all(number in period.days for period in found)
    assert [period_with_id(period.kind, period.id) for period in found] == found


@pytest.mark.parametrize(("month", "length"), [("2026-02", 28), ("2028-02", 29), ("2026-12", 31), ("2027-04", 30)])
def test_days_of_a_month(month: str, length: int) -> None:
    days = period_of("monthly", number_of(date.fromisoformat(f"{month}-15"))).days
    assert len(days) == length
    assert {periods.month_name(day) for day in days} == {month}


def test_days_of_a_week_begin_on_monday() -> None:
    for start in range(20_000, 20_014):
        days = period_of("weekly", start).days
        assert (len(days), periods.date_of(days[0]).weekday()) == (7, 0)
        assert len({period_of("weekly", day) for day in days}) == 1


def test_moments() -> None:
    assert periods.moment_name(NOON + 7) == "2026-05-19T12:00:00.007Z"
    assert periods.minute_name(periods.minute_of(NOON + 59_999)) == "2026-05-19T12:00"
    assert periods.day_of(NOON) == number_of(date(2026, 5, 19))


@pytest.mark.parametrize(
    ("kind", "text"),
    [("all", "all"), ("daily", "2028-02-29"), ("weekly", "2026-W53"), ("monthly", "2026-12")],
)
def test_a_period_is_read_by_its_id(kind: str, text: str) -> None:
    period = periods.parse_period(kind, text, 0)
    assert (period.kind, period.id) == (kind, text)
    assert period == period_with_id(kind, text)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("all", "2026"),
        ("daily", "2026-02-30"),
        ("daily", "20260519"),
        ("daily", "2026-W21-2"),
        ("daily", ""),
        ("weekly", "2027-W53"),
        ("weekly", "2026-W1"),
        ("weekly", "2026-W00"),
        ("weekly", "2026-05-19"),
        ("weekly", "W-W1"),
        ("monthly", "2026-13"),
        ("monthly", "2026-5"),
        ("monthly", "all"),
    ],
)
def test_anything_else_is_refused_with_its_form(kind: str, text: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        periods.parse_period(kind, text, 0)
    assert caught.value.body()["example"] == periods.EXAMPLES[kind]
    assert periods.EXAMPLES[kind] in caught.value.sentence


def test_without_text_it_is_the_period_of_today() -> None:
    today = NOON // DAY
    assert periods.parse_period("weekly", None, today).id == "2026-W21"
    assert periods.parse_period("all", None, today) is ALL_TIME


@pytest.mark.parametrize(
    ("days", "months"),
    [
        (["2026-05-19"], {"2026-05"}),
        (["2027-01-01"], {"2026-12", "2027-01"}),
        (["2026-06-30"], {"2026-06", "2026-07"}),
        ([], set()),
    ],
)
def test_the_months_that_periods_need(days: list[str], months: set[str]) -> None:
    loaded = months_to_load(number_of(date.fromisoformat(day)) for day in days)
    assert {periods.month_name(day) for day in loaded} == months


@pytest.mark.parametrize(
    "around", [date(2026, 12, 31), date(2027, 1, 4), date(2028, 2, 29), date(2026, 6, 1), date(2024, 12, 30)]
)
@pytest.mark.parametrize("seed", range(4))
def test_period_sums_equal_the_log(rules: Rules, around: date, seed: int) -> None:
    """Test events in any order around a boundary, with gaps, so that days, weeks and months close and reopen."""
    chance, middle = random.Random(f"{around} {seed}"), number_of(around)
    # Everything was received in time, and is applied weeks later.
    desk = Desk(rules, (middle + 35) * DAY)
    expected: dict[str, int] = {}
    for _ in range(60):
        day = middle + chance.choice([0, 0, 1, -1, 2, -3, 5, -6, 8, -20, 33])
        time_ms = day * DAY + chance.randrange(DAY)
        received = {"receivedAt": moment_name(time_ms + chance.choice([0, 59 * 60_000]))}
        if chance.random() < 0.3:
            data = {"points": chance.randint(-99, 99) or 1, "reason": str(chance.random())}
            entry = desk.send("award", time_ms=time_ms, data=data, **received)
        else:
            entry = desk.send(time_ms=time_ms, data={"provider": chance.choice("ab")}, **received)
        when = date(1970, 1, 1) + timedelta(days=day)
        year, week, _ = when.isocalendar()
        for name in (when.isoformat(), f"{year}-W{week:02}", when.isoformat()[:7], "all"):
            expected[name] = expected.get(name, 0) + entry.xp
    assert desk.observed()["periods"] == {name: xp for name, xp in expected.items() if xp}


@pytest.mark.parametrize(
    ("kind", "period", "first", "last"),
    [
        ("daily", "2028-02-29", "2028-02-29", "2028-02-29"),
        ("weekly", "2026-W53", "2026-12-28", "2027-01-03"),
        ("weekly", "2027-W01", "2027-01-04", "2027-01-10"),
        ("weekly", "2026-W01", "2025-12-29", "2026-01-04"),
        ("monthly", "2026-12", "2026-12-01", "2026-12-31"),
        ("monthly", "2028-02", "2028-02-01", "2028-02-29"),
    ],
)
def test_days_of_a_period(kind: str, period: str, first: str, last: str) -> None:
    found = period_with_id(kind, period)
    days = found.days
    assert (day_name(days[0]), day_name(days[-1])) == (first, last)
    assert {period_of(kind, day) for day in days} == {found}
    assert found == Period(period, kind, days[0] * DAY_MS, (days[-1] + 1) * DAY_MS)
    before = period_before(found)
    assert (before.kind, before.end_ms) == (kind, found.first_ms)


def test_all_time_holds_every_day_and_never_ends() -> None:
    assert period_of("all", 0) is period_of("all", 100_000) is period_with_id("all", "all") is ALL_TIME
    assert ALL_TIME.first_ms == 0
    assert ALL_TIME.end_ms == ALL_TIME.days.stop * DAY_MS > 10**16


def test_a_kind_that_is_not_in_the_calendar_has_no_days() -> None:
    with pytest.raises(ValueError, match="there are no yearly"):
        period_of("yearly", 0)


@pytest.mark.parametrize("period", ["9999-12", "0001-01"])
def test_the_first_and_the_last_month_of_the_calendar(period: str) -> None:
    assert len(period_with_id("monthly", period).days) == 31


@pytest.mark.parametrize(
    ("kind", "after", "now", "ended"),
    [
        ("weekly", "2026-12-20", "2027-01-11T01:00", ["2026-W52", "2026-W53"]),
        ("weekly", "2026-12-20", "2027-01-11T01:01", ["2026-W52", "2026-W53", "2027-W01"]),
        ("monthly", "2026-10-31", "2027-02-01T02:00", ["2026-11", "2026-12", "2027-01"]),
        ("daily", "2026-12-30", "2027-01-02T00:30", ["2026-12-31"]),
        ("daily", "2027-01-01", "2027-01-01T12:00", []),
    ],
)
def test_periods_have_ended_an_hour_after_their_last_day(kind: str, after: str, now: str, ended: list[str]) -> None:
    now_ms = round(datetime.fromisoformat(now).replace(tzinfo=UTC).timestamp() * 1000)
    found = ended_periods(kind, number_of(date.fromisoformat(after)), now_ms, 3_600_000)
    assert [period.id for period in found] == ended
