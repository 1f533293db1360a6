"""Levels and titles by XP. Level n begins at the sum over k = 2..n of floor(base * k^exponent) XP."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from math import isqrt


def step(base: int, half_powers: int, level: int) -> int:
    """Return the XP from `level - 1` to `level`: floor(base * level^(half_powers / 2)), exact in integers."""
    return isqrt(base * base * level**half_powers)


def thresholds(base: int, half_powers: int, cap: int) -> tuple[int, ...]:
    """Return the total XP at which each level 1..cap begins; the first is 0."""
    totals = [0]
    for level in range(2, cap + 1):
        totals.append(totals[-1] + step(base, half_powers, level))
    return tuple(totals)


@dataclass(frozen=True, slots=True)
class Levels:
    """A level curve.

    `thresholds[n - 1]`: the total XP at which level n begins. `titles`: (first level, title), ascending.
    """

    thresholds: tuple[int, ...]
    titles: tuple[tuple[int, str], ...]

    @property
    def cap(self) -> int:
        return len(self.thresholds)

    def level(self, xp: int) -> int:
        """Return the level at a total of `xp`; negative totals count as 0."""
        return bisect_right(self.thresholds, max(0, xp))

    def title(self, level: int) -> str:
        return self.titles[bisect_right(self.titles, level, key=lambda entry: entry[0]) - 1][1]

    def progress(self, xp: int) -> tuple[int, int | None]:
        """Return (XP above the level's threshold, XP to the next level or None at the cap)."""
        xp = max(0, xp)
        level = self.level(xp)
        into = xp - self.thresholds[level - 1]
        return into, None if level == self.cap else self.thresholds[level] - xp
