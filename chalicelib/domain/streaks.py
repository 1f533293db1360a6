"""Active UTC days, runs of them, and the milestones that runs reach."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from chalicelib.domain.periods import date_of, number_of


@dataclass(slots=True)
class Streak:
    """A player's active days and paid milestones.

    `years` maps a year to a bitmap of its active days (bit 0 = January 1st): 92 hex digits a year, however
    irregular the player. `marks` maps a milestone to the days that carry its mark.
    """

    years: dict[int, int] = field(default_factory=dict)
    marks: dict[int, list[int]] = field(default_factory=dict)
    last: int = -1
    longest: int = 0

    def is_active(self, day: int) -> bool:
        year, bit = _place(day)
        return bool(self.years.get(year, 0) >> bit & 1)

    def add(self, day: int) -> bool:
        """Make the day active; False if it was already."""
        if self.is_active(day):
            return False
        year, bit = _place(day)
        self.years[year] = self.years.get(year, 0) | 1 << bit
        self.last = max(self.last, day)
        start, end = self.run(day)
        self.longest = max(self.longest, end - start + 1)
        return True

    def run(self, day: int) -> tuple[int, int]:
        """First and last day of the run that holds an active day."""
        start = end = day
        while self.is_active(start - 1):
            start -= 1
        while self.is_active(end + 1):
            end += 1
        return start, end

    def current(self, today: int) -> int:
        """Length of the run that ends at the last active day, if that is yesterday or later, else 0."""
        if self.last < today - 1:
            return 0
        start, end = self.run(self.last)
        return end - start + 1

    def reach(self, day: int, milestones: Iterable[int]) -> list[int]:
        """The milestones that the day's run has reached and no day of it is marked with; marks them on `day`."""
        start, end = self.run(day)
        reached = [
            m
            for m in milestones
            if m <= end - start + 1 and not any(start <= marked <= end for marked in self.marks.get(m, ()))
        ]
        for milestone in reached:
            self.marks.setdefault(milestone, []).append(day)
        return reached


def _place(day: int) -> tuple[int, int]:
    when = date_of(day)
    return when.year, day - number_of(when.replace(month=1, day=1))
