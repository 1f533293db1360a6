"""UTC days, ISO weeks and months: the periods of boards and calendars.

A day is a whole number: days since 1970-01-01. A moment is a whole number: milliseconds since then.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from functools import lru_cache

from chalicelib.domain.core.errors import InvalidRequest

DAY_MS = 86_400_000
MINUTE_MS = 60_000
_EPOCH = date(1970, 1, 1).toordinal()

ALL = "all"
ENDING = ("daily", "weekly", "monthly")
# Kind of period -> (its noun, the pattern of its names).
_SPELLED = {
    "daily": ("day", re.compile(r"\d{4}-\d\d-\d\d")),
    "weekly": ("week", re.compile(r"\d{4}-W\d\d")),
    "monthly": ("month", re.compile(r"\d{4}-\d\d")),
}
EXAMPLES = {"daily": "2026-05-19", "weekly": "2026-W21", "monthly": "2026-05", ALL: ALL}


def day_of(moment_ms: int) -> int:
    return moment_ms // DAY_MS


def minute_of(moment_ms: int) -> int:
    return moment_ms // MINUTE_MS


def date_of(day: int) -> date:
    return date.fromordinal(day + _EPOCH)


def number_of(when: date) -> int:
    return when.toordinal() - _EPOCH


@lru_cache(4096)
def day_name(day: int) -> str:
    """Return the name of a day, such as `2026-05-19`."""
    return date_of(day).isoformat()


@lru_cache(4096)
def week_name(day: int) -> str:
    """Return the name of the ISO week (Monday first) that holds the day, such as `2026-W21`."""
    year, week, _ = date_of(day).isocalendar()
    return f"{year:04d}-W{week:02d}"


@lru_cache(4096)
def month_name(day: int) -> str:
    """Return the name of the month that holds the day, such as `2026-05`."""
    return day_name(day)[:7]


@lru_cache(4096)
def minute_name(minute: int) -> str:
    """Return the name of a minute, such as `2026-05-19T12:34`. Names sort by time."""
    return datetime.fromtimestamp(minute * 60, UTC).strftime("%Y-%m-%dT%H:%M")


def moment_name(moment_ms: int) -> str:
    """Return the RFC 3339 text of a moment, such as `2026-05-19T12:34:56.789Z`."""
    seconds, ms = divmod(moment_ms, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC).isoformat()[:19]}.{ms:03d}Z"


def period_name(kind: str, day: int) -> str:
    """Return the name of the period of `kind` (`all`, `daily`, `weekly`, `monthly`) that holds the day."""
    if kind == ALL:
        return ALL
    return {"daily": day_name, "weekly": week_name, "monthly": month_name}[kind](day)


def week_days(day: int) -> range:
    """Return the seven days of the day's ISO week."""
    monday = day - date_of(day).weekday()
    return range(monday, monday + 7)


def month_days(day: int) -> range:
    """Return all days of the day's month."""
    first = date_of(day).replace(day=1)
    after = first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
    return range(number_of(first), number_of(after))


def period_days(kind: str, day: int) -> range:
    """Return the days of the daily, weekly or monthly period that holds the day."""
    if kind == "daily":
        return range(day, day + 1)
    return week_days(day) if kind == "weekly" else month_days(day)


def days_of(kind: str, period: str) -> range:
    """Return the days of the daily, weekly or monthly period with this name."""
    if kind == "weekly":
        year, week = period.split("-W")
        return week_days(number_of(date.fromisocalendar(int(year), int(week), 1)))
    return period_days(kind, number_of(date.fromisoformat(period if kind == "daily" else f"{period}-01")))


def period_end_ms(kind: str, day: int) -> int:
    """Return the end of the daily, weekly or monthly period that holds the day. The end belongs to the next period."""
    return period_days(kind, day).stop * DAY_MS


def first_open_day(now_ms: int, grace_ms: int) -> int:
    """Return the first open day: no board of a period that holds it or a later day is due to be frozen."""
    return day_of(now_ms - grace_ms)


def ended_periods(kind: str, after_day: int, now_ms: int, grace_ms: int) -> Iterator[range]:
    """Yield the days of each period that follows the one of `after_day` and ended more than the grace ago."""
    days = period_days(kind, after_day)
    while (days := period_days(kind, days.stop)).stop * DAY_MS + grace_ms < now_ms:
        yield days


def late_for(day: int, received_ms: int, grace_ms: int) -> tuple[str, ...]:
    """Return the kinds of periods of `day` that had ended, by more than the grace, at the time of receipt."""
    if received_ms <= (day + 1) * DAY_MS + grace_ms:
        return ()
    return tuple(kind for kind in ENDING if received_ms > period_end_ms(kind, day) + grace_ms)


def parse_period(kind: str, text: str | None, today: int) -> str:
    """Return the period's canonical name; None means the current period.

    Raises InvalidRequest for a misspelt name, or for a period that is not in the calendar.
    """
    if text is None:
        return period_name(kind, today)
    try:
        if kind == ALL and text == ALL:
            return ALL
        if kind == "daily" and day_name(number_of(date.fromisoformat(text))) == text:
            return text
        if kind == "monthly" and month_name(number_of(date.fromisoformat(f"{text}-01"))) == text:
            return text
        if kind == "weekly":
            year, week = text.split("-W")
            if week_name(number_of(date.fromisocalendar(int(year), int(week), 1))) == text:
                return text
    except ValueError:
        pass
    raise InvalidRequest(_no_period(kind, text), parameter="period", example=EXAMPLES[kind])


def _no_period(kind: str, text: str) -> str:
    """Return the sentence that says why a name is no period of this kind."""
    if kind == ALL:
        return f"'period' must be '{ALL}' for this scope."
    noun, spelled = _SPELLED[kind]
    if spelled.fullmatch(text):
        return f"There is no {noun} {text}; 'period' takes one such as {EXAMPLES[kind]}."
    return f"'period' must be a {noun} such as {EXAMPLES[kind]} for this scope."
