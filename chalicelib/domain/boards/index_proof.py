"""Compare the rank index with counts made from the entries.

Shares no code with the writer of boards, so that a mistake there is not repeated here: it derives the index again, one
entry after the other.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

# Bits of each level's digits, from the leaf up.
WIDTHS = (7, 7, 8, 7, 7, 7, 7, 7)
# The lowest level whose node of prefix 0 always exists.
TOP = 2
TOTAL, COUNT = "TOTAL", "00"
OVER = "100"
LEAF, HINTING, PARTS = re.compile(r"0\.(\d+)"), re.compile(r"1\.(\d+)"), re.compile(r"[DV]\.(\d+)(\.\d+)?")


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference between what is expected and what is stored.

    `offset`: of a counter, found minus expected. `subject`: the subject of the entry.
    """

    item: str
    expected: str
    found: str
    shard: str = ""
    subject: str = ""
    offset: int | None = None

    def __str__(self) -> str:
        return f"{self.item}: expected {self.expected}, found {self.found}"

    @property
    def identity(self) -> tuple[object, ...]:
        """Return a key that two sightings of one difference share.

        A counter may have moved in between, but it is wrong by the same offset.
        """
        return (self.shard, self.item, *((self.offset,) if self.offset is not None else (self.expected, self.found)))


@dataclass(slots=True)
class NodeRow:
    """A node as stored: `seq`, and all other number attributes."""

    seq: int = 0
    values: dict[str, int] = field(default_factory=dict)


def counters_of(score: int) -> list[tuple[str, str]]:
    """Return (node, attribute) of every counter that counts a subject with this score."""
    found, rest = [(TOTAL, COUNT)], score
    for level, width in enumerate(WIDTHS):
        digit, rest = rest & ((1 << width) - 1), rest >> width
        if digit or level == 0:
            found.append((f"{level}.{rest}", f"{digit:02X}"))
        if level >= TOP:
            if rest == 0:
                break
            found.append((f"{level}.0", OVER))
    return found


class Recount:
    """The expected counters of a shard's nodes, from its entries one by one, and the division of large tie groups."""

    def __init__(self, nodes: Mapping[str, NodeRow]) -> None:
        self.nodes = nodes
        self.expected: dict[str, Counter[str]] = {}
        # Score of a marked tie group -> (start of each run, (volume, run) of each), by time.
        self.runs = {score: _runs(nodes, score) for score in marks(nodes)}

    def add(self, score: int, reached_at: int) -> None:
        """Count one subject who is on the board."""
        for name, attribute in counters_of(score):
            self._count(name, attribute)
        since, parts = self.runs.get(score, ((), ()))
        if place := bisect_right(since, reached_at):
            volume, run = parts[place - 1]
            self._count(f"D.{score}", f"{volume:02X}")
            self._count(f"V.{score}.{volume}", f"{run:02X}")

    def differences(self) -> Iterator[Difference]:
        """Yield wrong counters, and marks and divisions of tie groups that contradict each other."""
        for name in sorted({*self.nodes, *self.expected}):
            found = self.nodes.get(name, NodeRow()).values
            expected = self.expected.get(name, Counter())
            for attribute in sorted({*found, *expected}, key=lambda text: (len(text), text)):
                offset = found.get(attribute, 0) - expected[attribute]
                if not attribute.startswith("T") and offset:
                    item = _label(name, attribute)
                    yield Difference(item, str(expected[attribute]), str(found.get(attribute, 0)), offset=offset)
        yield from _divisions(self.nodes)

    def _count(self, name: str, attribute: str) -> None:
        self.expected.setdefault(name, Counter())[attribute] += 1


def marks(nodes: Mapping[str, NodeRow]) -> dict[int, int]:
    """Return score -> moment from which members are counted in runs, for each divided tie group."""
    return {
        int(leaf[1]) << WIDTHS[0] | int(attribute[1:], 16): value
        for name, node in nodes.items()
        if (leaf := LEAF.fullmatch(name))
        for attribute, value in node.values.items()
        if attribute.startswith("T")
    }


def _runs(nodes: Mapping[str, NodeRow], score: int) -> tuple[list[int], list[tuple[int, int]]]:
    runs = sorted(
        (since, volume, run)
        for volume in _starts(nodes, f"D.{score}")
        for run, since in _starts(nodes, f"V.{score}.{volume}").items()
    )
    return [since for since, _, _ in runs], [(volume, run) for _, volume, run in runs]


def _starts(nodes: Mapping[str, NodeRow], name: str) -> dict[int, int]:
    """Return part number -> its start, ordered by number."""
    values = nodes.get(name, NodeRow()).values
    return {int(each[1:], 16): values[each] for each in sorted(values) if each.startswith("T")}


def _divisions(nodes: Mapping[str, NodeRow]) -> Iterator[Difference]:
    marked = marks(nodes)
    for score, mark in marked.items():
        yield from _division(nodes, score, mark)
    for name in sorted(nodes):
        starts = _starts(nodes, name)
        if hinting := HINTING.fullmatch(name):
            for digit, hint in starts.items():
                score = (int(hinting[1]) << WIDTHS[1] | digit) << WIDTHS[0] | hint
                if score not in marked:
                    yield Difference(f"node {name} hint {digit}", "a marked score", str(score))
        elif starts and not LEAF.fullmatch(name) and not _is_part(nodes, name, marked):
            yield Difference(f"node {name}", "no starts", str(len(starts)))


def _is_part(nodes: Mapping[str, NodeRow], name: str, marked: Mapping[int, int]) -> bool:
    """Return whether a node is the directory of a marked tie group, or one of its volumes."""
    part = PARTS.fullmatch(name)
    if part is None or int(part[1]) not in marked:
        return False
    return name == f"D.{part[1]}" or int((part[2] or ".-1")[1:]) in _starts(nodes, f"D.{part[1]}")


def _division(nodes: Mapping[str, NodeRow], score: int, mark: int) -> Iterator[Difference]:
    """Yield gaps in the numbers of a tie group's volumes and runs, and parts that begin before the one before them."""
    volumes = _starts(nodes, f"D.{score}")
    yield from _sequence(f"D.{score} volume", volumes, mark, None)
    for volume, since in volumes.items():
        runs = _starts(nodes, f"V.{score}.{volume}")
        yield from _sequence(f"V.{score}.{volume} run", runs, since, volumes.get(volume + 1))


def _sequence(name: str, starts: Mapping[int, int], first: int, end: int | None) -> Iterator[Difference]:
    if list(starts) != list(range(len(starts))) or not starts:
        yield Difference(f"node {name}s", "numbers from 0 on", str(list(starts)))
        return
    if starts[0] != first:
        yield Difference(f"node {name} 0", f"to begin at {first}", str(starts[0]))
    for number in range(1, len(starts)):
        if starts[number] <= starts[number - 1]:
            yield Difference(f"node {name} {number}", f"to begin after {starts[number - 1]}", str(starts[number]))
    if end is not None and starts[len(starts) - 1] >= end:
        yield Difference(f"node {name} {len(starts) - 1}", f"to begin before {end}", str(starts[len(starts) - 1]))


def _label(name: str, attribute: str) -> str:
    if name == TOTAL:
        return "node TOTAL"
    if attribute == OVER:
        return f"node {name} over"
    part = {"D": "volume", "V": "run"}.get(name.partition(".")[0], "digit")
    return f"node {name} {part} {int(attribute, 16)}"
