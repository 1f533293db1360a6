"""Nodes in memory: what the table does with changes, and walks over nothing but what they ask for."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping

from chalicelib.domain.boards.rank_index import Changes, Found, Move, Node, count_moves
from chalicelib.domain.boards.ties import directories_of, divide, leaves_of, volumes_of

Walk = Generator[list[str], Mapping[str, Node], Found | None]


class Trie:
    """The nodes of one board, moved as the writer moves them. Reads of what a step did not ask for find nothing."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}
        self.latest = -1

    def move(self, moves: Iterable[Move]) -> None:
        """One intent: counters of the trie and of tie directories. A player moves once at most."""
        moves = list(moves)
        read = self.read(leaves_of(moves))
        read |= self.read(directories_of(moves, read))
        read |= self.read(volumes_of(moves, read))
        counted, divided = count_moves(moves), divide(moves, read, self.latest)
        change(self.nodes, counted)
        change(self.nodes, divided)
        self.latest = max([self.latest, *(after[1] for _, after in moves if after is not None)])

    def read(self, names: Iterable[str]) -> dict[str, Node]:
        return {name: self.nodes[name] for name in names if name in self.nodes}

    @property
    def counts(self) -> dict[str, dict[int, int]]:
        """Return the counters that are not 0."""
        counts = {name: {digit: n for digit, n in node.counts.items() if n} for name, node in self.nodes.items()}
        return {name: each for name, each in counts.items() if each}

    @property
    def starts(self) -> dict[str, dict[int, int]]:
        return {name: node.starts for name, node in self.nodes.items() if node.starts}


def change(nodes: dict[str, Node], changes: Changes) -> None:
    """Apply the writes of an intent as the table does."""
    for name, each in changes.items():
        node = nodes.setdefault(name, Node())
        for attribute, amount in each.adds.items():
            digit = int(attribute, 16)
            node.counts[digit] = node.counts.get(digit, 0) + amount
        for attribute, value in each.sets.items():
            assert value is not None
            node.starts[int(attribute[1:], 16)] = value


def ask(walk: Walk, nodes: Mapping[str, Node]) -> Found | None:
    """Return the end of a walk."""
    return walked(walk, nodes)[0]


def walked(walk: Walk, nodes: Mapping[str, Node]) -> tuple[Found | None, list[list[str]]]:
    """Return the end of a walk that receives only the nodes it asks for, and the names it asked for, trip by trip."""
    trips = [next(walk)]
    try:
        while True:
            trips.append(walk.send({name: nodes[name] for name in trips[-1] if name in nodes}))
    except StopIteration as stop:
        return stop.value, trips
