"""Divide large tie groups by time, so that a page inside one need not skip through it.

Members of a tie group are ordered by the moment they reached the score, so new ones nearly always come at the end.
After a group has `MARK_AT` members, the moment of the next one to join is its mark: from then on members are counted in
runs, 64 runs in a volume. A run ends when the next one begins, at a moment that no member has reached before: so no
member ever has to be counted again, and a leaving member is found by the moment it joined. Late members join closed
runs, which may grow; leaving members shrink them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain, pairwise

from chalicelib.domain.boards.rank_index import (
    EMPTY,
    Changes,
    Move,
    Node,
    NodeChange,
    counter,
    directory,
    leaf,
    start,
    volume,
)

# A page skips up to this many: 512 entries of the index are some 14 read units, half of them on average, if a page
# begins inside such a group. From 10^6 subjects on, groups of a few hundred are normal; maintaining their division
# would cost more than it saves.
MARK_AT = 512
# The most entries that a page reads in vain: it starts at the nearer end of the run.
RUN = 128
# 64 runs with their starts are 1 KB: one write unit.
RUNS = 64
VOLUMES = 128


def leaves_of(moves: Iterable[Move]) -> list[str]:
    """Return the leaves that must be read (strongly) to divide the groups of these moves."""
    return list(dict.fromkeys(leaf(spot[0])[0] for move in moves for spot in move if spot is not None))


def directories_of(moves: Iterable[Move], nodes: Mapping[str, Node]) -> list[str]:
    """Return the directories to read next, given the leaves."""
    return [directory(score) for score in _groups(moves) if _mark(score, nodes) is not None]


def volumes_of(moves: Iterable[Move], nodes: Mapping[str, Node]) -> list[str]:
    """Return the volumes to read last, given leaves and directories."""
    names: dict[str, None] = {}
    for score, (left, joined) in _groups(moves).items():
        volumes = nodes.get(directory(score), EMPTY)
        if volumes.starts:
            names |= {volume(score, _part_at(volumes, moment)): None for moment in (*left, *joined)}
    return list(names)


def divide(moves: Iterable[Move], nodes: Mapping[str, Node], latest: int) -> Changes:
    """Return the changes that moves make to leaves' marks, directories and volumes.

    `nodes`: those named by the functions above, as before the moves. `latest`: no subject on the board has reached its
    score later.
    """
    changes: Changes = {}
    for score, (left, joined) in _groups(moves).items():
        _Group(score, nodes, changes, latest).move(left, joined)
    for change in changes.values():
        change.adds = {name: amount for name, amount in change.adds.items() if amount}
    return {name: change for name, change in changes.items() if change.adds or change.sets}


def run_size(number: int) -> int:
    """Return the number of members that closes the last run of a volume. It grows with the number of volumes."""
    return RUN << max(0, (number - VOLUMES // 2) // (VOLUMES // 8))


def parts(moments: Iterable[int]) -> list[list[tuple[int, int]]]:
    """Divide the sorted moments of a group, from its mark on: for each volume its runs as (start, members)."""
    runs: list[tuple[int, int]] = []
    divided = [runs]
    for before, moment in pairwise(chain((-1,), moments)):
        size = run_size(len(divided) - 1)
        if runs and (moment == before or runs[-1][1] < size or (len(runs) == RUNS and len(divided) == VOLUMES)):
            runs[-1] = (runs[-1][0], runs[-1][1] + 1)
            continue
        if len(runs) == RUNS:
            runs = []
            divided.append(runs)
        runs.append((moment, 1))
    return divided


class _Group:
    """A tie group while moves are applied to it."""

    def __init__(self, score: int, nodes: Mapping[str, Node], changes: Changes, latest: int) -> None:
        self.score, self.nodes, self.changes, self.latest = score, nodes, changes, latest
        self.leaf, self.digit = leaf(score)
        self.mark = _mark(score, nodes)
        self.members = nodes.get(self.leaf, EMPTY).counts.get(self.digit, 0)
        self.volumes = _copy(nodes.get(directory(score), EMPTY))
        self.runs: dict[int, Node] = {}

    def move(self, left: list[int], joined: list[int]) -> None:
        for moment in left:
            self._count(moment, -1)
        self.members -= len(left)
        for moment in sorted(joined):
            if moment > self.latest:
                self._make_room(moment)
            self._count(moment, 1)
            self.members += 1
            self.latest = max(self.latest, moment)

    def _count(self, moment: int, amount: int) -> None:
        if self.mark is None or moment < self.mark:
            return
        number = _part_at(self.volumes, moment)
        runs = self._volume(number)
        self._add(directory(self.score), self.volumes, number, amount)
        self._add(volume(self.score, number), runs, _part_at(runs, moment), amount)

    def _make_room(self, moment: int) -> None:
        """Begin a run at a moment that no member has reached, if the group or its last run is large enough."""
        if self.mark is None:
            if self.members >= MARK_AT:
                self.mark = moment
                self._set(self.leaf, start(self.digit), moment)
                self._begin_volume(0, moment)
            return
        number = max(self.volumes.starts, default=0)
        runs = self._volume(number)
        last = max(runs.starts, default=0)
        if runs.counts.get(last, 0) < run_size(number):
            return
        if last + 1 < RUNS:
            self._begin_run(number, last + 1, moment)
        elif number + 1 < VOLUMES:
            self._begin_volume(number + 1, moment)

    def _begin_volume(self, number: int, moment: int) -> None:
        self.volumes.starts[number] = moment
        self._set(directory(self.score), start(number), moment)
        self.runs[number] = Node()
        self._begin_run(number, 0, moment)
        marked = self.nodes.get(self.leaf, EMPTY)
        if all(marked.counts.get(other, 0) <= self.members for other in marked.starts):
            hint, digit = parent_of(self.score)
            self._set(hint, start(digit), self.digit)

    def _begin_run(self, number: int, run: int, moment: int) -> None:
        self._volume(number).starts[run] = moment
        self._set(volume(self.score, number), start(run), moment)

    def _volume(self, number: int) -> Node:
        if number not in self.runs:
            # Missing or not read: the directory was edited manually. A repair recounts it.
            self.runs[number] = _copy(self.nodes.get(volume(self.score, number), EMPTY))
        return self.runs[number]

    def _add(self, name: str, node: Node, digit: int, amount: int) -> None:
        node.counts[digit] = node.counts.get(digit, 0) + amount
        adds = self.changes.setdefault(name, NodeChange()).adds
        adds[counter(digit)] = adds.get(counter(digit), 0) + amount

    def _set(self, name: str, attribute: str, value: int) -> None:
        self.changes.setdefault(name, NodeChange()).sets[attribute] = value


def _groups(moves: Iterable[Move]) -> dict[int, tuple[list[int], list[int]]]:
    """Return score -> (moments of members that leave it, moments of members that join it)."""
    groups: dict[int, tuple[list[int], list[int]]] = {}
    for move in moves:
        for side, spot in enumerate(move):
            if spot is not None:
                groups.setdefault(spot[0], ([], []))[side].append(spot[1])
    return groups


def _mark(score: int, nodes: Mapping[str, Node]) -> int | None:
    name, digit = leaf(score)
    return nodes.get(name, EMPTY).starts.get(digit)


def _part_at(node: Node, moment: int) -> int:
    """Return the part that holds a moment: the last one that begins at it or before."""
    first = min(node.starts, default=0)
    return max((number for number, begin in node.starts.items() if begin <= moment), default=first)


def _copy(node: Node) -> Node:
    return Node(node.seq, dict(node.counts), dict(node.starts))


def parent_of(score: int) -> tuple[str, int]:
    """Return the node above the score's leaf, and the leaf's digit there."""
    prefix = score >> 7
    return f"1.{prefix >> 7}", prefix & 127
