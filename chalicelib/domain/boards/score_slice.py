"""Collect the subjects and nodes of the largest range of scores that fits in memory, from a stream in any order."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator, Sequence

from chalicelib.domain.boards.index_repair import corrections
from chalicelib.domain.boards.rank_index import Changes, Node
from chalicelib.domain.boards.score_range import LEAF, Range, span_of

# Bytes in memory, including the work of corrections: of a subject, of a score with its counters, of a stored counter,
# of a move away from a score.
MEMBER, SCORE, COUNTER, LEFT = 8, 1500, 250, 150


class ScoreSlice:
    """A range of scores that begins with all scores from `low` on.

    It drops its greatest scores whenever it exceeds its memory, but always keeps at least one leaf.
    """

    def __init__(self, low: int, max_bytes: int) -> None:
        self.range = Range(low)
        self.max_bytes, self.bytes = max_bytes, 0
        self.highest_seq = 0
        self._joined: dict[int, array[int]] = {}
        self._left: dict[int, Counter[int]] = {}
        self._nodes: dict[str, Node] = {}

    def add_tally(self, scores: Sequence[int], sizes: Sequence[int], moments: Sequence[int]) -> None:
        """Add the subjects of a tally, by score."""
        offset, low, high = 0, self.range.low, self.range.high
        for score, size in zip(scores, sizes, strict=True):
            if low <= score and (high is None or score < high):
                self._group(score).extend(moments[offset : offset + size])
                self.bytes += MEMBER * size
            offset += size
        self._fit()

    def add_moves(self, moves: Sequence[int]) -> None:
        """Add the moves of an intent."""
        for index in range(0, len(moves), 4):
            left, left_at, joined, joined_at = moves[index : index + 4]
            if left_at >= 0 and self.range.holds(left):
                self._left.setdefault(left, Counter())[left_at] += 1
                self.bytes += LEFT
            if joined_at >= 0 and self.range.holds(joined):
                self._group(joined).append(joined_at)
                self.bytes += MEMBER
        self._fit()

    def add_node(self, name: str, node: Node) -> None:
        self.highest_seq = max(self.highest_seq, node.seq)
        if (part := self.range.part_of(name, node)) and (part.counts or part.starts):
            self._nodes[name] = part
            self.bytes += COUNTER * (len(part.counts) + len(part.starts))
            self._fit()

    def corrections(self, *, divides: bool) -> Changes:
        """Return the changes that correct the range's nodes, after everything was added."""
        return corrections(dict(self._groups()), self._nodes, divides=divides, within=self.range)

    def _groups(self) -> Iterator[tuple[int, Sequence[int]]]:
        for score, moments in self._joined.items():
            if left := self._left.get(score):
                gone = left.copy()
                moments = array("q", (each for each in moments if not _take(gone, each)))
            if moments:
                yield score, moments

    def _group(self, score: int) -> array[int]:
        group = self._joined.get(score)
        if group is None:
            group = self._joined[score] = array("q")
            self.bytes += SCORE
        return group

    def _fit(self) -> None:
        if self.bytes <= self.max_bytes:
            return
        weights = self._weights()
        if len(weights) > 1:
            self._cut(weights)

    def _cut(self, weights: dict[int, int]) -> None:
        """Keep the leaves of the lowest scores that take half of the bytes; at least one leaf."""
        kept, high = 0, 0
        for number in sorted(weights):
            kept += weights[number]
            if high and kept > self.max_bytes // 2:
                break
            high = (number + 1) * LEAF
        else:
            high = max(weights) * LEAF
        self.range = Range(self.range.low, high)
        for groups in (self._joined, self._left):
            for score in [each for each in groups if each >= high]:
                del groups[score]
        nodes = {name: self.range.part_of(name, node) for name, node in self._nodes.items()}
        self._nodes = {name: node for name, node in nodes.items() if node.counts or node.starts}
        self.bytes = sum(self._weights().values())

    def _weights(self) -> dict[int, int]:
        """Return leaf number -> bytes."""
        found: Counter[int] = Counter()
        for score, moments in self._joined.items():
            found[score // LEAF] += SCORE + MEMBER * len(moments)
        for score, left in self._left.items():
            found[score // LEAF] += LEFT * left.total()
        for name, node in self._nodes.items():
            for digits in (node.counts, node.starts):
                for digit in digits:
                    found[span_of(name, digit).low // LEAF] += COUNTER
        return found


def _take(counted: Counter[int], each: int) -> bool:
    """Remove one occurrence of `each` if there is one; return whether there was."""
    if counted[each] <= 0:
        return False
    counted[each] -= 1
    return True
