"""Ranges of scores, and the counters of the rank index that lie within one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from chalicelib.domain.boards.rank_index import OVER, ROOT, SHIFTS, TOTAL, Node

LEVELS = len(SHIFTS) - 1
# Ranges begin and end between two leaves.
LEAF = 1 << SHIFTS[1]
_NODE = re.compile(r"(\d)\.(\d+)")
_TIES = re.compile(r"[DV]\.(\d+)(\.\d+)?")


@dataclass(frozen=True, slots=True)
class Span:
    """The scores that a counter counts: from `low`, below `high` (None: unbounded).

    `real`: the index has such a counter. Counters that were added manually do not matter to readers.
    """

    low: int
    high: int | None
    real: bool = True


@dataclass(frozen=True, slots=True)
class Range:
    """Scores from `low`, below `high` (None: unbounded)."""

    low: int = 0
    high: int | None = None

    def holds(self, score: int) -> bool:
        return self.low <= score and (self.high is None or score < self.high)

    def owns(self, name: str, digit: int) -> bool:
        """Return whether a counter is corrected with this range: all scores that it counts are in it.

        A counter that is not part of the index belongs to the range of its first score.
        """
        span = span_of(name, digit)
        if not self.holds(span.low):
            return False
        return not span.real or self.high is None or (span.high is not None and span.high <= self.high)

    def part_of(self, name: str, node: Node) -> Node:
        """Return the part of a node that is corrected with this range."""
        counts = {digit: count for digit, count in node.counts.items() if self.owns(name, digit)}
        starts = {digit: since for digit, since in node.starts.items() if self.holds(span_of(name, digit).low)}
        return Node(node.seq, counts, starts)


WHOLE = Range()


@lru_cache(maxsize=4096)
def _digits_of(name: str) -> tuple[int, int] | None:
    """Return (level, prefix) of a node of the trie."""
    node = _NODE.fullmatch(name)
    return (int(node[1]), int(node[2])) if node and int(node[1]) < LEVELS else None


def span_of(name: str, digit: int) -> Span:
    """Return the span of a counter, by its node's name and its digit."""
    if name == TOTAL:
        return Span(0, None, digit == 0)
    if (digits := _digits_of(name)) is None:
        score = int(ties[1]) if (ties := _TIES.fullmatch(name)) else 0
        return Span(score, score + 1)
    level, prefix = digits
    if digit == OVER:
        spine = prefix == 0 and ROOT <= level < LEVELS - 1
        return Span(max(prefix, 1) << SHIFTS[level + 1], None, spine)
    width = SHIFTS[level + 1] - SHIFTS[level]
    first = (prefix << width) + digit
    return Span(first << SHIFTS[level], first + 1 << SHIFTS[level], digit < 1 << width and (digit > 0 or level == 0))


def counters_across(cuts: Iterable[int]) -> list[tuple[str, int]]:
    """Return the counters of the index that lie across a cut between two ranges, as (node, digit)."""
    found: dict[tuple[str, int], None] = {}
    for cut in cuts:
        found[TOTAL, 0] = None
        for level in range(LEVELS):
            width = SHIFTS[level + 1] - SHIFTS[level]
            found[f"{level}.{cut >> SHIFTS[level + 1]}", (cut >> SHIFTS[level]) & ((1 << width) - 1)] = None
            found[f"{level}.0", OVER] = None
    return [each for each in found if any(_is_across(span_of(*each), cut) for cut in cuts)]


def _is_across(span: Span, cut: int) -> bool:
    return span.real and span.low < cut and (span.high is None or cut < span.high)
