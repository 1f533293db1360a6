"""Boards the plain way: a sorted list, and what the nodes of the rank index must count, from the specification.

Shares no code with Laurel's index: digits by division, tie groups by looking at every member.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

# Bits of each level's digits, from the leaf up.
BITS = (7, 7, 8, 7, 7, 7, 7, 7)
LEVELS_AT_LEAST = 3
OVER = 256

Spot = tuple[int, int]  # (score, reached at)
Counts = dict[str, dict[int, int]]  # node -> digit -> subjects


@dataclass
class SortedBoard:
    """The members of a board: subject -> (score, reached at)."""

    spots: dict[str, Spot] = field(default_factory=dict)

    def listed(self) -> list[tuple[str, int, int]]:
        """Return (subject, score, reached at), best first; within a score by moment, then by subject."""
        order = sorted(self.spots.items(), key=lambda each: (-each[1][0], each[1][1], each[0]))
        return [(subject, *spot) for subject, spot in order]

    def above(self, score: int) -> int:
        return sum(1 for each, _ in self.spots.values() if each > score)

    def ties(self, score: int) -> int:
        return sum(1 for each, _ in self.spots.values() if each == score)

    def rank(self, subject: str) -> int:
        return self.above(self.spots[subject][0]) + 1

    def moments(self, score: int) -> list[int]:
        """Return the sorted moments at which the members of a tie group reached it."""
        return sorted(at for each, at in self.spots.values() if each == score)


def levels(score: int) -> list[tuple[str, int]]:
    """Return (node, digit) of a score, leaf first, up to its topmost level."""
    steps, rest = [], score
    for level, bits in enumerate(BITS):
        if level >= LEVELS_AT_LEAST and rest == 0:
            break
        rest, digit = divmod(rest, 2**bits)
        steps.append((f"{level}.{rest}", digit))
    return steps


def counts_of(spots: Mapping[str, Spot]) -> Counts:
    """Return every counter of the trie that is not 0, and the total."""
    counted: Counter[tuple[str, int]] = Counter()
    for score, _ in spots.values():
        steps = levels(score)
        for level, (name, digit) in enumerate(steps):
            if digit or level == 0:
                counted[name, digit] += 1
        for level in range(LEVELS_AT_LEAST - 1, len(steps) - 1):
            counted[f"{level}.0", OVER] += 1
        counted["TOTAL", 0] += 1
    nodes: Counts = {}
    for (name, digit), count in counted.items():
        nodes.setdefault(name, {})[digit] = count
    return nodes


def node_findings(counts: Counts, starts: Counts, spots: Mapping[str, Spot]) -> list[str]:
    """Return every counter that differs from the spots, tie directories too. `starts`: node -> digit -> moment."""
    board, counters = SortedBoard(dict(spots)), counts_of(spots)
    found: list[str] = []
    for score, mark in _marks(starts):
        name, digit = levels(score)[0]
        since = [moment for moment in board.moments(score) if moment >= mark]
        found += _parts(f"D.{score}", mark, None, since, starts, counters)
        for number, (begin, end) in _intervals(starts.get(f"D.{score}", {})).items():
            inside = [moment for moment in since if begin <= moment and (end is None or moment < end)]
            found += _parts(f"V.{score}.{number}", begin, end, inside, starts, counters)
        hint, above = levels(score)[1]
        hinted = starts.get(hint, {}).get(above)
        if hinted is None or hinted not in starts.get(name, {}):
            found.append(f"{hint} hints at {hinted} below {above}, {digit} is marked")
    for name in sorted(counts.keys() | counters.keys()):
        got = {digit: count for digit, count in counts.get(name, {}).items() if count}
        expected = counters.get(name, {})
        if got != expected:
            differ = sorted(digit for digit in got.keys() | expected if got.get(digit) != expected.get(digit))
            found += [f"{name} {d}: counts {got.get(d, 0)}, should be {expected.get(d, 0)}" for d in differ]
    return found


def _marks(starts: Counts) -> Iterator[tuple[int, int]]:
    """Yield (score, mark) of every marked tie group."""
    for name in sorted(starts):
        level, _, prefix = name.partition(".")
        if level == "0":
            for digit, mark in starts[name].items():
                yield int(prefix) * 2 ** BITS[0] + digit, mark


def _parts(name: str, begin: int, end: int | None, moments: list[int], starts: Counts, counters: Counts) -> list[str]:
    """Add a division's counters to `counters`; return the wrong beginnings of its parts."""
    intervals = _intervals(starts.get(name, {}))
    if not intervals:
        return [f"{name}: no parts"]
    begins = [first for first, _ in intervals.values()]
    found = [] if begins == sorted(set(begins)) else [f"{name}: parts begin at {begins}"]
    if begins[0] != begin or (end is not None and begins[-1] >= end):
        found.append(f"{name}: parts begin at {begins}, within {begin}..{end}")
    for number, (first, after) in intervals.items():
        inside = sum(1 for moment in moments if first <= moment and (after is None or moment < after))
        if inside:
            counters.setdefault(name, {})[number] = inside
    return found


def _intervals(starts: Mapping[int, int]) -> dict[int, tuple[int, int | None]]:
    """Return part -> (begin, end); the last part has no end."""
    numbers = sorted(starts)
    ends = [*(starts[number] for number in numbers[1:]), None]
    return {number: (starts[number], end) for number, end in zip(numbers, ends, strict=True)}
