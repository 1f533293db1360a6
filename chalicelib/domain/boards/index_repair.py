"""Compute the changes that correct the nodes of a rank index, given all subjects on the board."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from heapq import merge
from itertools import accumulate, pairwise

from chalicelib.domain.boards import ties
from chalicelib.domain.boards.rank_index import (
    EMPTY,
    Changes,
    Node,
    NodeChange,
    counter,
    counters_of,
    directory,
    leaf,
    start,
    volume,
)
from chalicelib.domain.boards.score_range import WHOLE, Range, span_of

# Moments are sorted in chunks of this size, so that they stay in arrays: a list of them takes five times the memory.
SORTED_AT_ONCE = 1 << 16
# For each volume of a tie group, the starts of its runs.
Division = Sequence[Sequence[int]]


def corrections(
    groups: Mapping[int, Sequence[int]], nodes: Mapping[str, Node], *, divides: bool, within: Range = WHOLE
) -> Changes:
    """Return the changes that correct the nodes.

    `groups`: score -> the moments at which subjects on the board reached it.

    `divides`: whether large tie groups are divided. Valid divisions stay; invalid ones are replaced. `within`: the
    range of groups and nodes; only its own counters are corrected.
    """
    due: dict[str, Node] = {}
    for score, moments in groups.items():
        for name, digit in counters_of(score):
            _count(due, name, digit, len(moments))
    if within != WHOLE:
        due = {name: within.part_of(name, node) for name, node in due.items()}
    if divides:
        _divide(due, groups, nodes)
    changes = {name: _change(nodes.get(name, EMPTY), due.get(name, EMPTY)) for name in sorted({*nodes, *due})}
    return {name: change for name, change in changes.items() if change.adds or change.sets}


def corrections_across(
    counters: Sequence[tuple[str, int]], parts: Iterable[tuple[Sequence[int], Sequence[int]]], nodes: Mapping[str, Node]
) -> Changes:
    """Return the changes of counters that lie across ranges.

    `parts`: (sorted scores, number of subjects of each); together they cover all subjects.
    """
    spans = [span_of(name, digit) for name, digit in counters]
    edges = sorted({edge for span in spans for edge in (span.low, span.high) if edge is not None})
    below: dict[int | None, int] = dict.fromkeys([*edges, None], 0)
    for scores, sizes in parts:
        sums = [0, *accumulate(sizes)]
        below[None] += sums[-1]
        for edge in edges:
            below[edge] += sums[bisect_left(scores, edge)]
    changes: Changes = {}
    for (name, digit), span in zip(counters, spans, strict=True):
        due = below[span.high] - below[span.low]
        if missing := due - nodes.get(name, EMPTY).counts.get(digit, 0):
            changes.setdefault(name, NodeChange()).adds[counter(digit)] = missing
    return changes


def net_sizes(moves: Sequence[int]) -> tuple[list[int], list[int]]:
    """Return the moves of an intent as a part for `corrections_across`."""
    sizes: Counter[int] = Counter()
    for index in range(0, len(moves), 4):
        for score, moment, size in ((*moves[index : index + 2], -1), (*moves[index + 2 : index + 4], 1)):
            if moment >= 0:
                sizes[score] += size
    scores = sorted(sizes)
    return scores, [sizes[score] for score in scores]


def _divide(due: dict[str, Node], groups: Mapping[int, Sequence[int]], nodes: Mapping[str, Node]) -> None:
    marks = _marks(nodes)
    large = {score for score, moments in groups.items() if len(moments) >= ties.MARK_AT}
    sizes: dict[int, int] = {}
    for score in sorted(large | marks.keys()):
        moments = groups.get(score, ())
        division = _kept(nodes, score, marks.get(score))
        if division is None and score in large:
            division = [[moment for moment, _ in runs] for runs in ties.parts(_sorted(moments))]
        if division is not None:
            _write_division(due, score, moments, division)
            sizes[score] = len(moments)
    _hint(due, nodes, sizes)


def _marks(nodes: Mapping[str, Node]) -> dict[int, int]:
    return {
        int(name[2:]) * 128 + digit: since
        for name, node in nodes.items()
        if name.startswith("0.")
        for digit, since in node.starts.items()
    }


def _kept(nodes: Mapping[str, Node], score: int, mark: int | None) -> Division | None:
    """Return the division that a tie group has, or None if it has no valid one."""
    volumes = nodes.get(directory(score), EMPTY).starts
    runs = [nodes.get(volume(score, number), EMPTY).starts for number in range(len(volumes))]
    if mark is None or not volumes or any(sorted(each) != list(range(len(each))) for each in (volumes, *runs)):
        return None
    division = [[each[number] for number in range(len(each))] for each in runs]
    begun = [moment for each in division for moment in each]
    if [each[:1] for each in division] != [[volumes[number]] for number in range(len(volumes))]:
        return None
    return division if begun[0] == mark and all(one < other for one, other in pairwise(begun)) else None


def _write_division(due: dict[str, Node], score: int, moments: Sequence[int], division: Division) -> None:
    name, digit = leaf(score)
    due.setdefault(name, Node()).starts[digit] = division[0][0]
    begun = [moment for each in division for moment in each]
    sizes = Counter(map(partial(bisect_right, begun), moments))
    place = 0
    for number, starts in enumerate(division):
        due.setdefault(directory(score), Node()).starts[number] = starts[0]
        for run, moment in enumerate(starts):
            place += 1
            size = sizes[place]
            due.setdefault(volume(score, number), Node()).starts[run] = moment
            _count(due, volume(score, number), run, size)
            _count(due, directory(score), number, size)


def _hint(due: dict[str, Node], nodes: Mapping[str, Node], sizes: Mapping[int, int]) -> None:
    """Set the hint above each leaf with a divided group: its largest group, unless another one is already named."""
    for score in sorted(sizes, key=lambda each: sizes[each]):
        name, digit = ties.parent_of(score)
        due.setdefault(name, Node()).starts[digit] = leaf(score)[1]
    for score in sizes:
        name, digit = ties.parent_of(score)
        if nodes.get(name, EMPTY).starts.get(digit) == leaf(score)[1]:
            due[name].starts[digit] = leaf(score)[1]


def _change(found: Node, due: Node) -> NodeChange:
    digits = sorted({*found.counts, *due.counts})
    adds = {counter(digit): due.counts.get(digit, 0) - found.counts.get(digit, 0) for digit in digits}
    numbers = sorted({*found.starts, *due.starts})
    sets = {
        start(number): due.starts.get(number)
        for number in numbers
        if due.starts.get(number) != found.starts.get(number)
    }
    return NodeChange({name: amount for name, amount in adds.items() if amount}, sets)


def _sorted(moments: Sequence[int]) -> Iterator[int]:
    places = range(0, len(moments), SORTED_AT_ONCE)
    return merge(*(array("q", sorted(moments[place : place + SORTED_AT_ONCE])) for place in places))


def _count(due: dict[str, Node], name: str, digit: int, amount: int) -> None:
    counts = due.setdefault(name, Node()).counts
    counts[digit] = counts.get(digit, 0) + amount
