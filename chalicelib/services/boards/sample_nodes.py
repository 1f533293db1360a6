"""Verification of random counters of a large board against the ordering index."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from chalicelib.domain.boards.index_proof import COUNT, OVER, TOP, TOTAL, WIDTHS, Difference, NodeRow
from chalicelib.services.context import Context
from chalicelib.services.progress.publish_scores import shard_for
from chalicelib.store.boards.proof import list_range, read_node_rows

# The largest counter to recount, some 40 read units. Above that, a smaller one follows below.
MAX_COUNTED = 1_000


@dataclass(slots=True)
class Counted:
    """A counter, and the subjects that it counts according to the index.

    `offset`: counter minus index, at the last read. It is a difference while all reads agree.
    """

    name: str
    attribute: str
    low: int
    high: int
    subjects: list[str]
    found: int
    offset: int
    agree: bool = True


class NodeSample:
    """Counters on random paths down one shard's trie, weighted by subjects."""

    def __init__(self, context: Context, board: str, shard: str) -> None:
        self.context, self.board, self.shard = context, board, shard
        self.counted: list[Counted] = []
        self.readings = 0

    @property
    def is_settled(self) -> bool:
        return not self.suspects

    @property
    def suspects(self) -> list[Counted]:
        return [each for each in self.counted if each.offset and each.agree]

    @property
    def subjects(self) -> list[str]:
        """Return the subjects under the chosen counters."""
        return list(dict.fromkeys(subject for each in self.counted for subject in each.subjects))

    def choose(self) -> None:
        """Walk down to a random subject's counters, and recount those that are small enough."""
        level, prefix, node, members = self._top()
        while members > 0:
            digit, members = self._digit(node, level, members)
            prefix = prefix << WIDTHS[level] | digit
            if 0 < members <= MAX_COUNTED and (digit or level == 0):
                shift = sum(WIDTHS[:level])
                name = f"{level}.{prefix >> WIDTHS[level]}"
                self._count(name, f"{digit:02X}", prefix << shift, (prefix + 1 << shift) - 1)
            if level == 0:
                return
            level -= 1
            node = self._read(f"{level}.{prefix}")

    def check_again(self) -> None:
        """Recount the suspects: one with another offset is in flight, not wrong."""
        for each in self.suspects:
            subjects, found = self._reading(each.name, each.attribute, each.low, each.high)
            each.agree = found - len(subjects) == each.offset
            each.subjects, each.found = subjects, found

    def differences(self) -> list[Difference]:
        return [
            Difference(
                f"{self.shard}: node {each.name} digit {int(each.attribute, 16)}",
                f"{len(each.subjects)} by the ordering index",
                str(each.found),
                self.shard,
                offset=each.offset,
            )
            for each in self.suspects
        ]

    def _top(self) -> tuple[int, int, Mapping[str, int], int]:
        """Return level, prefix, counters and members of a spine node, chosen by its members."""
        level = TOP
        members, node = self._read(TOTAL).get(COUNT, 0), self._read(f"{TOP}.0")
        place = self._random(members)
        while place < node.get(OVER, 0) and level + 1 < len(WIDTHS):
            level, members = level + 1, node[OVER]
            node = self._read(f"{level}.0")
        return level, 0, node, members - node.get(OVER, 0)

    def _digit(self, node: Mapping[str, int], level: int, members: int) -> tuple[int, int]:
        """Return a digit, chosen by its members, and their number. Above the leaf, 0 has the rest of the members."""
        counts = {int(name, 16): n for name, n in node.items() if name != OVER and not name.startswith("T")}
        if level:
            counts[0] = members - sum(n for digit, n in counts.items() if digit)
        place = self._random(sum(max(0, n) for n in counts.values()))
        for digit, count in counts.items():
            place -= max(0, count)
            if place < 0:
                return digit, count
        return 0, 0

    def _count(self, name: str, attribute: str, low: int, high: int) -> None:
        if not any((each.name, each.attribute) == (name, attribute) for each in self.counted):
            subjects, found = self._reading(name, attribute, low, high)
            self.counted.append(Counted(name, attribute, low, high, subjects, found, found - len(subjects)))

    def _reading(self, name: str, attribute: str, low: int, high: int) -> tuple[list[str], int]:
        listed = list_range(self.context.table, self.board, low, high)
        subjects = [subject for subject in listed if shard_for(self.context, self.board, subject) == self.shard]
        return subjects, self._read(name).get(attribute, 0)

    def _read(self, name: str) -> Mapping[str, int]:
        return read_node_rows(self.context.table, self.shard, [name]).get(name, NodeRow()).values

    def _random(self, below: int) -> int:
        """Return a random integer from 0 to `below` - 1."""
        return min(int(self.context.uniform(0, below)), max(0, below - 1))
