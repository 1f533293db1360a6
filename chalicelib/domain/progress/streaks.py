"""Streaks: active UTC days, their runs, and the milestones that runs reach."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache

from chalicelib.domain.core.periods import date_of, number_of


@dataclass(slots=True)
class Streak:
    """A player's active days and paid milestones.

    `years`: year -> bitmap of its active days (bit 0 = January 1st), at most 92 hex digits. `marks`: milestone -> the
    days that carry its mark.
    """

    years: dict[int, int] = field(default_factory=dict)
    marks: dict[int, list[int]] = field(default_factory=dict)
    last: int = -1
    longest: int = 0

    def is_active(self, day: int) -> bool:
        year, bit = _year_and_bit(day)
        return bool(self.years.get(year, 0) >> bit & 1)

    def add(self, day: int) -> bool:
        """Make the day active; return whether it was not active before."""
        if self.is_active(day):
            return False
        year, bit = _year_and_bit(day)
        self.years[year] = self.years.get(year, 0) | 1 << bit
        self.last = max(self.last, day)
        start, end = self.run(day)
        self.longest = max(self.longest, end - start + 1)
        return True

    def add_days(self, days: range) -> int:
        """Make consecutive days active; return how many of them were not active before."""
        added = 0
        for day in days:
            year, bit = _year_and_bit(day)
            bitmap = self.years.get(year, 0)
            added += not bitmap >> bit & 1
            self.years[year] = bitmap | 1 << bit
        if days:
            self.last = max(self.last, days[-1])
            start, end = self.run(days[-1])
            self.longest = max(self.longest, end - start + 1)
        return added

    def run(self, day: int) -> tuple[int, int]:
        """Return the first and last day of the run that holds an active day. Each year takes one step."""
        return self._start(day), self._end(day)

    def _start(self, day: int) -> int:
        year = date_of(day).year
        while True:
            first = _first_day(year)
            inactive = ~self.years.get(year, 0) & ((2 << day - first) - 1)
            if inactive:
                return first + inactive.bit_length()
            year, day = year - 1, first - 1

    def _end(self, day: int) -> int:
        year = date_of(day).year
        while True:
            after = _first_day(year + 1)
            inactive = ~self.years.get(year, 0) >> day - _first_day(year)
            day += (inactive & -inactive).bit_length() - 1
            if day < after:
                return day - 1
            year += 1

    def current(self, today: int) -> int:
        """Return the length of the run that ends at the last active day, if that is yesterday or later, else 0."""
        if self.last < today - 1:
            return 0
        start, end = self.run(self.last)
        return end - start + 1

    def reach(self, day: int, milestones: Iterable[int]) -> list[int]:
        """Mark `day` with the milestones that its run has reached and does not carry yet; return them."""
        start, end = self.run(day)
        reached = [
            m
            for m in milestones
            if m <= end - start + 1 and not any(start <= marked <= end for marked in self.marks.get(m, ()))
        ]
        for milestone in reached:
            self.marks.setdefault(milestone, []).append(day)
        return reached


def _year_and_bit(day: int) -> tuple[int, int]:
    year = date_of(day).year
    return year, day - _first_day(year)


@lru_cache(256)
def _first_day(year: int) -> int:
    return number_of(date(year, 1, 1))
