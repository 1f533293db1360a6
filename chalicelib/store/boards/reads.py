"""Reads of a board: pages, standings, neighbours. Their cost does not depend on the size of the board.

All reads are eventually consistent, so nodes, entries and index may differ by the writes in flight. No read fails
because of that: ranks may be off by as much, and are right again when the writes are done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, NamedTuple, Protocol, TypeVar

from chalicelib.domain.boards.rank_index import EMPTY, TOTAL, Found, Node, Standing, leaf, path, standing
from chalicelib.store.boards import keys
from chalicelib.store.boards.entries import Entry, entry_of, listed_entries
from chalicelib.store.boards.nodes import find_place, node_of, read_nodes
from chalicelib.store.core.table import Table

A = TypeVar("A")
B = TypeVar("B")

# Neighbours that are shown on each side of a subject.
NEIGHBOURS = 5
# Entries that are read on each side, the subject among them: as many as fit into the 4 KB that a query costs anyway.
# They show where the groups of the neighbours end, which mostly saves a round trip.
REACH = 12
# Reading this many entries from the top costs no more than the nodes that find their places.
NEAR_TOP = 60
# The cost of a second query by its rounding to 4 KB, in entries.
SECOND_QUERY = 10
# Up to this many entries are read only to be skipped; the store counts more. Only boards of several shards have such
# large tie groups without a division.
CARRIED = 1_000
# Orders begin with digits: these are before and after all of them.
_FIRST, _LAST = "0", ":"
# Below every character of a subject's id: an order with this suffix sorts directly after that order.
_AFTER = "!"


class Each(Protocol):
    """Applies a function to items, in parallel where possible; returns results in the order of the items."""

    def __call__(self, work: Callable[[A], B], items: Iterable[A], /) -> list[B]: ...


class Ranked(NamedTuple):
    rank: int
    entry: Entry


@dataclass(frozen=True, slots=True)
class BoardPage:
    """Entries in board order, with competition ranks. `total`: subjects on the board."""

    ranked: list[Ranked]
    total: int


@dataclass(frozen=True, slots=True)
class Surroundings:
    """A subject's standing, and the neighbours in board order, the subject among them.

    `points_to_next`: to the score of the next better rank, None at the first.
    """

    standing: Standing
    neighbours: list[Ranked]
    points_to_next: int | None


@dataclass(frozen=True, slots=True)
class BoardReads:
    """The reads of one board: its id, and its shards, whose nodes are summed."""

    table: Table
    board: str
    shards: Sequence[str]
    each: Each

    def page(self, offset: int, limit: int) -> BoardPage:
        """Return entries from `offset` (0: the best) on.

        It takes one round trip near the top. Elsewhere it takes one per level and one for the entries, and up to two
        more inside a large tie group.
        """
        if offset <= NEAR_TOP:
            entries, total = self._together(lambda: self._list(_FIRST, _LAST, offset + limit), self.total)
            ranked = _ranked(entries)[offset:]
        else:
            found, total = find_place(self._nodes, offset)
            if found is None:
                return BoardPage([], total)
            ranked = _ranked(self._list_from(found, limit), found.score, found.above, offset)
        return BoardPage(ranked, max(total, offset + len(ranked)) if ranked else total)

    def top(self, limit: int) -> list[Ranked]:
        """Return the best entries, without the total: one query."""
        return _ranked(self._list(_FIRST, _LAST, limit))

    def total(self) -> int:
        """Return the number of subjects on the board."""
        return self._nodes([TOTAL]).get(TOTAL, EMPTY).counts.get(0, 0)

    def entry(self, subject: str) -> tuple[Entry | None, int]:
        """Return a subject's entry, if there is one (on the board or not), and the total: one round trip."""
        own = keys.entry(self.board, subject)
        items = self.table.get_many([own, *(keys.node(shard, TOTAL) for shard in self.shards)], strong=False)
        item = items.pop(own, None)
        total = sum(node_of(each).counts.get(0, 0) for each in items.values())
        return (None if item is None else entry_of(item)), total

    def standing(self, score: int) -> Standing:
        """Return the standing of a score: one round trip, and half a read unit per level."""
        return standing(score, self._nodes(_names(score)))

    def around(self, entry: Entry) -> Surroundings:
        """Return a subject's standing and neighbours: one round trip, or two if a tie group among them is large."""
        own = keys.order(entry.score, entry.reached_at, entry.subject)
        nodes, better, worse = self._together(
            lambda: self._nodes(_names(entry.score)),
            lambda: self._list(_FIRST, own, REACH, worst_first=True),
            lambda: self._list(own, _LAST, REACH),
        )
        place = standing(entry.score, nodes)
        place = Standing(place.above, max(1, place.ties))
        at_top = len(better) < REACH
        better, worse = ([each for each in side if each.subject != entry.subject] for side in (better, worse))
        above = self._rank_upwards(entry, place, better, nodes, at_top=at_top)
        below = worse[:NEIGHBOURS]
        tied = sum(each.score == entry.score for each in below)
        neighbours = [*reversed(above), Ranked(place.rank, entry)]
        neighbours += _ranked(below, entry.score, place.above, place.above + place.ties - tied)
        return Surroundings(place, neighbours, self._points_to_next(entry, better, at_top=at_top))

    def _rank_upwards(
        self, entry: Entry, place: Standing, better: list[Entry], nodes: dict[str, Node], *, at_top: bool
    ) -> list[Ranked]:
        """Rank the nearest better entries, nearest first, by counting down the subjects above.

        The size of the farthest entry's group is read only if the group continues beyond the entries that were read.
        """
        ranked: list[Ranked] = []
        above = place.above
        farthest = better[-1].score if better and not at_top else None
        for score, members in groupby(better, key=lambda each: each.score):
            if len(ranked) >= NEIGHBOURS:
                break
            group = list(members)
            if score != entry.score:
                above -= self._ties(entry.score, score, nodes) if score == farthest else len(group)
            ranked += [Ranked(max(0, above) + 1, each) for each in group]
        return ranked[:NEIGHBOURS]

    def _ties(self, known: int, score: int, nodes: dict[str, Node]) -> int:
        """Return the number of subjects with this score. `nodes` are those of the path of the known score."""
        name, digit = leaf(score)
        if name != leaf(known)[0]:
            nodes = self._nodes([name])
        return max(1, nodes.get(name, EMPTY).counts.get(digit, 0))

    def _points_to_next(self, entry: Entry, better: list[Entry], *, at_top: bool) -> int | None:
        following = next((each for each in better if each.score > entry.score), None)
        if following is None and not at_top:
            listed = self._list(_FIRST, keys.order_score(entry.score), 1, worst_first=True)
            following = listed[0] if listed else None
        return None if following is None else following.score - entry.score

    def _list_from(self, found: Found, limit: int) -> list[Entry]:
        """Return the entries from a found place on.

        It reads forwards from the beginning of the place's run, or, if the end is nearer, from the end in both
        directions.
        """
        score = found.score
        begin = keys.order_score(score) if found.start is None else keys.order_since(score, found.start)
        end = keys.order_score(max(0, score - 1)) if found.end is None else keys.order_since(score, found.end)
        rest = found.length - found.skip
        if min(found.skip, rest) > CARRIED:
            return self._list(self._pass_over(begin, found.skip), _LAST, limit)
        if found.skip + limit <= max(limit, rest) + SECOND_QUERY:
            return self._list(begin, _LAST, found.skip + limit)[found.skip :]
        before, after = self._together(
            lambda: self._list(begin, end, rest, worst_first=True),
            lambda: self._list(end, _LAST, limit - rest) if rest < limit else [],
        )
        return [*reversed(before), *after][:limit]

    def _pass_over(self, begin: str, entries: int) -> str:
        """Return the order to continue from after this many entries from `begin` on."""
        start: dict[str, Any] | None = None
        while entries > 0:
            page = self.table.query(
                self.board, index=True, between=(begin, _LAST), limit=entries, start=start, counts=True
            )
            entries -= len(page.items)
            start = page.next
            if start is None:
                return _LAST
        return begin if start is None else f"{start['order']['S']}{_AFTER}"

    def _list(self, low: str, high: str, limit: int, *, worst_first: bool = False) -> list[Entry]:
        """Return entries by the index with orders between these. Only an entry's own order can equal one of the two."""
        if low > high:
            return []
        return listed_entries(self.table, self.board, (low, high), limit, worst_first=worst_first)

    def _nodes(self, names: Iterable[str]) -> dict[str, Node]:
        return read_nodes(self.table, self.shards, names)

    def _together(self, *reads: Callable[[], Any]) -> list[Any]:
        return self.each(lambda read: read(), reads)


def _names(score: int) -> list[str]:
    return [name for name, _ in path(score)]


def _ranked(entries: Iterable[Entry], score: int = -1, above: int = 0, offset: int = 0) -> list[Ranked]:
    """Rank entries that follow each other from `offset` on; `above` subjects are better than this score."""
    ranked = []
    for place, entry in enumerate(entries, offset):
        if entry.score != score:
            score, above = entry.score, place
        ranked.append(Ranked(above + 1, entry))
    return ranked
