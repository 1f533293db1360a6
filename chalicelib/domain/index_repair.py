"""What makes the nodes of a rank index right again, given all players on the board."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from itertools import pairwise

from chalicelib.domain import tie_runs
from chalicelib.domain.rank_index import (
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

# For each volume of a tie group, the moments at which its runs begin.
Division = Sequence[Sequence[int]]


def corrections(groups: Mapping[int, Sequence[int]], nodes: Mapping[str, Node], *, divides: bool) -> Changes:
    """The changes that nodes need. `groups`: score -> the moments at which players on the board reached it.

    `divides`: whether large tie groups are divided. Divisions that are in order stay; the others are made anew.
    """
    due: dict[str, Node] = {}
    for score, moments in groups.items():
        for name, digit in counters_of(score):
            _count(due, name, digit, len(moments))
    if divides:
        _divide(due, groups, nodes)
    changes = {name: _change(nodes.get(name, EMPTY), due.get(name, EMPTY)) for name in sorted({*nodes, *due})}
    return {name: change for name, change in changes.items() if change.adds or change.sets}


def _divide(due: dict[str, Node], groups: Mapping[int, Sequence[int]], nodes: Mapping[str, Node]) -> None:
    marks = _marks(nodes)
    large = {score for score, moments in groups.items() if len(moments) >= tie_runs.MARK_AT}
    sizes: dict[int, int] = {}
    for score in sorted(large | marks.keys()):
        moments = sorted(groups.get(score, ()))
        division = _kept(nodes, score, marks.get(score))
        if division is None and score in large:
            division = [[moment for moment, _ in runs] for runs in tie_runs.parts(moments)]
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
    """The division that a tie group has, or None if it has none that is in order."""
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
    places = [*(bisect_left(moments, moment) for moment in begun), len(moments)]
    sizes = iter(after - before for before, after in pairwise(places))
    for number, starts in enumerate(division):
        due.setdefault(directory(score), Node()).starts[number] = starts[0]
        for run, moment in enumerate(starts):
            size = next(sizes)
            due.setdefault(volume(score, number), Node()).starts[run] = moment
            _count(due, volume(score, number), run, size)
            _count(due, directory(score), number, size)


def _hint(due: dict[str, Node], nodes: Mapping[str, Node], sizes: Mapping[int, int]) -> None:
    """Above each leaf with a divided group: its largest, or the one that is named already."""
    for score in sorted(sizes, key=lambda each: sizes[each]):
        name, digit = tie_runs.parent_of(score)
        due.setdefault(name, Node()).starts[digit] = leaf(score)[1]
    for score in sizes:
        name, digit = tie_runs.parent_of(score)
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


def _count(due: dict[str, Node], name: str, digit: int, amount: int) -> None:
    counts = due.setdefault(name, Node()).counts
    counts[digit] = counts.get(digit, 0) + amount
