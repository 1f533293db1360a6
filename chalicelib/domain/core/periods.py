"""Periods of boards: UTC days, ISO weeks, months, and all time.

A day is a whole number: days since 1970-01-01. A moment is a whole number: milliseconds since then.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache

from chalicelib.domain.core.errors import InvalidRequest

DAY_MS = 86_400_000
MINUTE_MS = 60_000
_EPOCH = date(1970, 1, 1).toordinal()

ALL = "all"
ENDING = ("daily", "weekly", "monthly")
# The end of all time: later than every moment, and a whole day.
NEVER_MS = 10**17 // DAY_MS * DAY_MS
# Kind of period -> (its noun, the pattern of its ids).
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


@dataclass(frozen=True, slots=True)
class Period:
    """A span of whole UTC days for which scores count.

    `first_ms`: its first instant. `end_ms`: the first instant after it, NEVER_MS if it never ends.
    """

    id: str
    kind: str
    first_ms: int
    end_ms: int

    @property
    def days(self) -> range:
        return range(self.first_ms // DAY_MS, self.end_ms // DAY_MS)


ALL_TIME = Period(ALL, ALL, 0, NEVER_MS)


@lru_cache(4096)
def period_of(kind: str, day: int) -> Period:
    """Return the period of `kind` that holds the day. Raises ValueError for a kind that is not in the calendar."""
    if kind == ALL:
        return ALL_TIME
    when = date_of(day)
    if kind == "daily":
        return _period(day_name(day), kind, range(day, day + 1))
    if kind == "weekly":
        year, week, weekday = when.isocalendar()
        monday = day - weekday + 1
        return _period(f"{year:04d}-W{week:02d}", kind, range(monday, monday + 7))
    if kind != "monthly":
        raise ValueError(f"there are no {kind} periods")
    first = day - when.day + 1
    return _period(month_name(day), kind, range(first, first + monthrange(when.year, when.month)[1]))


@lru_cache(4096)
def period_with_id(kind: str, period_id: str) -> Period:
    """Return the period of `kind` with this id, such as `2026-W21`. Raises ValueError if there is none."""
    if kind == ALL:
        day = 0
    elif kind == "weekly":
        year, week = period_id.split("-W")
        day = number_of(date.fromisocalendar(int(year), int(week), 1))
    else:
        day = number_of(date.fromisoformat(period_id if kind == "daily" else f"{period_id}-01"))
    period = period_of(kind, day)
    if period.id != period_id:
        raise ValueError(f"'{period_id}' is not the id of a {kind} period")
    return period


def period_before(period: Period) -> Period:
    """Return the daily, weekly or monthly period that ends where this one begins."""
    return period_of(period.kind, period.days.start - 1)


def _period(period_id: str, kind: str, days: range) -> Period:
    return Period(period_id, kind, days.start * DAY_MS, days.stop * DAY_MS)


def first_open_day(now_ms: int, grace_ms: int) -> int:
    """Return the first open day: no board of a period that holds it or a later day is due to be frozen."""
    return day_of(now_ms - grace_ms)


def ended_periods(kind: str, after_day: int, now_ms: int, grace_ms: int) -> Iterator[Period]:
    """Yield each period that follows the one of `after_day` and ended more than the grace ago."""
    period = period_of(kind, after_day)
    while (period := period_of(kind, period.days.stop)).end_ms + grace_ms < now_ms:
        yield period


def late_for(day: int, received_ms: int, grace_ms: int) -> tuple[str, ...]:
    """Return the kinds of periods of `day` that had ended, by more than the grace, at the time of receipt."""
    if received_ms <= (day + 1) * DAY_MS + grace_ms:
        return ()
    return tuple(kind for kind in ENDING if received_ms > period_of(kind, day).end_ms + grace_ms)


def parse_period(kind: str, text: str | None, today: int) -> Period:
    """Return the period with this id; None means the current period.

    Raises InvalidRequest for a misspelt id, or for a period that is not in the calendar.
    """
    if text is None:
        return period_of(kind, today)
    try:
        return period_with_id(kind, text)
    except ValueError:
        raise InvalidRequest(_no_period(kind, text), parameter="period", example=EXAMPLES[kind]) from None


def _no_period(kind: str, text: str) -> str:
    """Return the sentence that says why a name is no period of this kind."""
    if kind == ALL:
        return f"'period' must be '{ALL}' for this scope."
    noun, spelled = _SPELLED[kind]
    if spelled.fullmatch(text):
        return f"There is no {noun} {text}; 'period' takes one such as {EXAMPLES[kind]}."
    return f"'period' must be a {noun} such as {EXAMPLES[kind]} for this scope."
