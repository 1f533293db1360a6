"""The rank index: counters over the digits of scores, which give ranks, pages and the total.

The index is a trie. A node has a prefix of scores and counts, for each next digit, the subjects whose scores
begin with prefix and digit; its name is `<level>.<prefix>`. Levels are numbered from the leaf (0): 7 bits, 7 bits, 8
bits (level 2, the root of all scores below 4,194,304), then 7 bits each. `rank` never adds the counters of digit 0, so
above the leaf they are not stored: they are the remainder. Levels above the root cost nothing until a score needs them:
the node of prefix 0 of each level (its spine) counts as `OVER` the subjects beyond its range, so the rank of a score
needs no level above its own.

Within one score, `ties` divides large groups by time, in nodes of the same kind.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass, field

import msgspec

# Bits below each level; the last one bounds the range of scores.
SHIFTS = (0, 7, 14, 22, 29, 36, 43, 50, 57)
ROOT = 2
# The counter of subjects beyond a spine node's range: the first number that is no digit.
OVER = 256
TOTAL = "TOTAL"
Spot = tuple[int, int]  # (score, reached at): a place on a board
Move = tuple[Spot | None, Spot | None]  # (from, to); None is off the board


@dataclass(slots=True)
class Node:
    """Counters by digit.

    `starts`: digit -> mark of a tie group, see `ties`. `seq`: number of the last write.
    """

    seq: int = 0
    counts: dict[int, int] = field(default_factory=dict)
    starts: dict[int, int] = field(default_factory=dict)

    @property
    def over(self) -> int:
        return self.counts.get(OVER, 0)


EMPTY = Node()


class NodeChange(msgspec.Struct, array_like=True):
    """The effect of one write on a node: `adds` to counters, and `sets` attributes (None: removes)."""

    adds: dict[str, int] = {}
    sets: dict[str, int | None] = {}


Changes = dict[str, NodeChange]


@dataclass(frozen=True, slots=True)
class Standing:
    """The number of subjects with a greater score, and with the same score."""

    above: int
    ties: int

    @property
    def rank(self) -> int:
        return self.above + 1


@dataclass(frozen=True, slots=True)
class Found:
    """The tie group and the member at an offset.

    The offset is member `skip` (from 0) of the `length` members of the group of `score` that reached it at `start` or
    later and before `end` (None: from the group's beginning, to its end). `above`: subjects with a greater score.
    `ties`: all members of the group.
    """

    score: int
    above: int
    ties: int
    start: int | None
    end: int | None
    skip: int
    length: int


def counter(digit: int) -> str:
    """Return the attribute that counts a digit: two capital hex digits (`OVER`: 100)."""
    return f"{digit:02X}"


def start(digit: int) -> str:
    """Return the attribute that holds the mark of a digit's tie group."""
    return f"T{digit:02X}"


def height(score: int) -> int:
    """Return the number of levels that a score's digits take: at least 3."""
    return next(level for level in range(ROOT + 1, len(SHIFTS)) if score < 1 << SHIFTS[level])


def path(score: int) -> list[tuple[str, int]]:
    """Return (node, digit) from the topmost level of the score down to the leaf."""
    return [_step(score, level) for level in reversed(range(height(score)))]


def leaf(score: int) -> tuple[str, int]:
    """Return the leaf of a score, and its digit there."""
    return _step(score, 0)


def count_moves(moves: Iterable[Move]) -> Changes:
    """Return the changes that subjects' moves make to the counters of the trie and to the total."""
    sums: dict[str, dict[int, int]] = {}
    for before, after in moves:
        for spot, amount in ((before, -1), (after, 1)):
            if spot is not None:
                for name, digit in counters_of(spot[0]):
                    counts = sums.setdefault(name, {})
                    counts[digit] = counts.get(digit, 0) + amount
    return {
        name: NodeChange({counter(digit): amount for digit, amount in counts.items() if amount})
        for name, counts in sums.items()
        if any(counts.values())
    }


def standing(score: int, nodes: Mapping[str, Node]) -> Standing:
    """Return the standing of a score, given the nodes of its path."""
    steps = path(score)
    above = nodes.get(steps[0][0], EMPTY).over
    for name, digit in steps:
        above += sum(n for each, n in nodes.get(name, EMPTY).counts.items() if digit < each < OVER)
    name, digit = steps[-1]
    return Standing(above, nodes.get(name, EMPTY).counts.get(digit, 0))


def find(offset: int) -> Generator[list[str], Mapping[str, Node], Found | None]:
    """Find the subject at an offset (0: the best).

    Yields the names of nodes to read, one round trip each, and receives the nodes. Returns None if the board has fewer
    subjects. Nodes that are read at different moments may differ by updates in flight: the search still ends.
    """
    root = f"{ROOT}.0"
    nodes = yield [TOTAL, root]
    if offset >= nodes.get(TOTAL, EMPTY).counts.get(0, 0):
        return None
    level, node = ROOT, nodes.get(root, EMPTY)
    while offset < node.over and level + 2 < len(SHIFTS):
        level += 1
        name = f"{level}.0"
        node = (yield [name]).get(name, EMPTY)
    above, prefix = node.over, 0
    while True:
        digit, before = _digit_at(node, offset - above)
        above += before
        prefix = prefix << (SHIFTS[level + 1] - SHIFTS[level]) | digit
        if level == 0:
            return (yield from _within_ties(prefix, node, nodes, offset - above, above))
        level -= 1
        name = f"{level}.{prefix}"
        # A mark's leaf digit is a hint: reading the directory together with the leaf saves a round trip.
        hint = node.starts.get(digit) if level == 0 else None
        nodes = yield [name] if hint is None else [name, directory(prefix << SHIFTS[1] | hint)]
        node = nodes.get(name, EMPTY)


def directory(score: int) -> str:
    """Return the node that divides a tie group into volumes: for each one its members and its start."""
    return f"D.{score}"


def volume(score: int, number: int) -> str:
    """Return the node that divides a volume of a tie group into runs: for each one its members and its start."""
    return f"V.{score}.{number}"


def _within_ties(
    score: int, leaf_node: Node, nodes: Mapping[str, Node], place: int, above: int
) -> Generator[list[str], Mapping[str, Node], Found]:
    """Find the run of the tie group that holds its member at `place`."""
    _, digit = leaf(score)
    ties = max(leaf_node.counts.get(digit, 0), place + 1)
    mark = leaf_node.starts.get(digit)
    if mark is None:
        return Found(score, above, ties, None, None, place, ties)
    name = directory(score)
    volumes = (nodes if name in nodes else (yield [name])).get(name, EMPTY)
    unmarked = max(0, ties - sum(volumes.counts.values()))
    if place < unmarked or not volumes.counts:
        return Found(score, above, ties, None, mark, place, max(unmarked, place + 1))
    number, before = _run_at(volumes, place - unmarked)
    name = volume(score, number)
    runs = (yield [name]).get(name, EMPTY)
    place -= unmarked + before
    run, before = _run_at(runs, place)
    end = runs.starts.get(run + 1, volumes.starts.get(number + 1))
    skip = place - before
    begin = runs.starts.get(run, volumes.starts.get(number, mark))
    return Found(score, above, ties, begin, end, skip, max(runs.counts.get(run, 0), skip + 1))


def _digit_at(node: Node, place: int) -> tuple[int, int]:
    """Return the digit that holds a node's member at `place`, best scores first, and the members before it."""
    before = 0
    for digit in sorted((each for each in node.counts if 0 < each < OVER), reverse=True):
        if place < before + node.counts[digit]:
            return digit, before
        before += node.counts[digit]
    return 0, before


def _run_at(node: Node, place: int) -> tuple[int, int]:
    """Return the run that holds a node's member at `place`, earliest first, and the members before it.

    With too few members it is the last run.
    """
    before = 0
    numbers = sorted(node.starts)
    for number in numbers:
        if place < before + node.counts.get(number, 0):
            return number, before
        before += node.counts.get(number, 0)
    last = numbers[-1] if numbers else 0
    return last, before - node.counts.get(last, 0)


def counters_of(score: int) -> list[tuple[str, int]]:
    """Return (node, digit) of every counter that counts a subject with this score."""
    counters = [(name, digit) for name, digit in path(score) if digit or name.startswith("0.")]
    counters += [(f"{level}.0", OVER) for level in range(ROOT, height(score) - 1)]
    return [*counters, (TOTAL, 0)]


def _step(score: int, level: int) -> tuple[str, int]:
    width = SHIFTS[level + 1] - SHIFTS[level]
    return f"{level}.{score >> SHIFTS[level + 1]}", (score >> SHIFTS[level]) & ((1 << width) - 1)
