"""board.*: the cost of reads of boards of 1,000 to 1,000,000 players, and of peer.count_query.

Counted on the simulated table: read units by the sizes of the items that are read, round trips by the requests that
wait for each other. Every answer is compared with a sorted list, or there is no figure.
"""

from __future__ import annotations

import random
import statistics
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.domain.core.subjects import player_of, player_subject
from chalicelib.domain.identity.permissions import ADMIN
from chalicelib.services.boards.read_leaderboard import open_board, read_leaderboard
from chalicelib.services.boards.read_rank import read_rank
from chalicelib.services.identity.authenticate import Caller
from chalicelib.store.boards import keys
from chalicelib.store.boards.entries import read_entry
from chalicelib.store.boards.reads import NEIGHBOURS, BoardReads
from tests.bench.board import BOARD, SCOPE, Population, board_of
from tests.bench.deployment import Deployment
from tests.bench.figures import Figure, NotTaken
from tests.bench.rank_updates import BATCHES, write_units
from tests.bench.rounds import Rounds

SIZES = (1_000, 100_000, 1_000_000)
READS = 100
LIMIT = 50
# Players at these eighths of the board: their mean equals the mean over all, and each costs half a board.
COUNTED = (1, 3, 5, 7)
ADMIN_CALLER = Caller("bench-admin", "laurel_bench", frozenset((ADMIN,)))
READ_NAMES = ("rank", "rank_whole", "page_top", "page_mid", "neighbours", "total")
NAMES = (
    *(f"board.{name}.{what}" for name in READ_NAMES for what in ("read_units", "round_trips")),
    "peer.count_query.read_units",
    "board.update.write_units",
)


def boards(
    sizes: tuple[int, ...] = SIZES, reads: int = READS, batches: Mapping[int, int] = BATCHES
) -> Iterator[Figure]:
    """Read every size twice, with and without a score that half of the players share; then update the largest."""
    for players in sizes:
        for ties in (True, False):
            with board_of(players, ties) as (deployment, population):
                yield from Bench(deployment, population, reads).figures()
                if players == sizes[-1] and not ties:
                    yield from write_units(deployment, population, batches)


@dataclass(frozen=True)
class Cost:
    units: float
    trips: int


class Bench:
    """Reads of one board, each with a checked result."""

    def __init__(self, deployment: Deployment, population: Population, reads: int) -> None:
        self.deployment, self.population, self.reads = deployment, population, reads
        self.context = deployment.context
        self.rng = random.Random(11)
        self.rounds = Rounds()
        self.rounds.watch(self.context.table.client)
        self.context.pool = self.rounds
        self.order = population.standings()
        self.losses = [-population.scores[number] for number in self.order]
        self.board: BoardReads = open_board(self.context, SCOPE, None)[1]

    def figures(self) -> Iterator[Figure]:
        size = len(self.order)
        places = [self.rng.randrange(size) for _ in range(self.reads)]
        offsets = [min(self.rng.randrange(size), size - LIMIT) for _ in range(self.reads)]
        yield from self._figures("rank", self._rank, places)
        yield from self._figures("rank_whole", self._rank_whole, places)
        yield from self._figures("page_top", self._page, [0])
        yield from self._figures("page_mid", self._page, [size // 2, *offsets])
        yield from self._figures("neighbours", self._neighbours, places)
        yield from self._figures("total", self._total, [0])
        yield self._count_query([size * eighth // 8 for eighth in COUNTED])

    def _figures(self, name: str, read: Callable[[int], Callable[[], None]], places: list[int]) -> Iterator[Figure]:
        """Yield mean units and the most round trips; `most` units, and those of the first place."""
        costs = [self._cost(read, place) for place in places]
        units = [cost.units for cost in costs]
        params = {"players": len(self.order), "ties": self.population.ties, "reads": len(places)}
        more = {"at_half": units[0]} if name == "page_mid" else {}
        yield Figure(
            f"board.{name}.read_units", statistics.mean(units), "read units", params | {"most": max(units)} | more
        )
        yield Figure(f"board.{name}.round_trips", max(cost.trips for cost in costs), "round trips", params)

    def _cost(self, read: Callable[[int], Callable[[], None]], place: int) -> Cost:
        """Measure `read`, which returns a function that checks its result."""
        self.deployment.meter.reset()
        self.rounds.trips = 0
        check = read(place)
        cost = Cost(self.deployment.meter.read_units, self.rounds.trips)
        check()
        self.deployment.tape.record()
        return cost

    # reads

    def _rank(self, place: int) -> Callable[[], None]:
        entry = read_entry(self.context.table, BOARD, player_subject(self._player(place)))
        found = self.board.standing(entry.score) if entry else None
        return lambda: self._same("rank", found and (found.rank, found.ties), (self._ranks(place), self._ties(place)))

    def _rank_whole(self, place: int) -> Callable[[], None]:
        found = read_rank(self.context, Caller(self._player(place), "", frozenset((ADMIN,))), scope=SCOPE)
        better = bisect_left(self.losses, self.losses[place])
        next_score = -self.losses[better - 1] if better else None
        points = None if next_score is None else next_score + self.losses[place]

        def check() -> None:
            self._same("rank", (found.rank, found.total, found.points_to_next), (better + 1, len(self.order), points))
            self._same("neighbours", [(n.rank, n.api_key_id) for n in found.neighbours], self._around(place))

        return check

    def _page(self, offset: int) -> Callable[[], None]:
        page = read_leaderboard(self.context, ADMIN_CALLER, scope=SCOPE, limit=LIMIT, offset=offset)

        def check() -> None:
            shown = [(entry.rank, entry.api_key_id) for entry in page.entries]
            self._same(f"page at {offset}", shown, self._shown(offset, offset + LIMIT))
            self._same("total", page.total, len(self.order))

        return check

    def _neighbours(self, place: int) -> Callable[[], None]:
        entry = read_entry(self.context.table, BOARD, player_subject(self._player(place)))
        if entry is None:
            raise NotTaken(f"no entry at {place}")
        self.deployment.meter.reset()
        self.rounds.trips = 0
        found = self.board.around(entry)
        shown = [(ranked.rank, player_of(ranked.entry.subject)) for ranked in found.neighbours]
        return lambda: self._same("neighbours", shown, self._around(place))

    def _total(self, _: int) -> Callable[[], None]:
        total = self.board.total()
        return lambda: self._same("total", total, len(self.order))

    def _count_query(self, places: list[int]) -> Figure:
        """Measure the usual way to a rank: count the entries with a better score on the index."""
        self.deployment.meter.reset()
        for place in places:
            score = -self.losses[place]
            better = ("0", keys.order_score(score))
            counted = sum(1 for _ in self.context.table.query_all(BOARD, index=True, between=better, counts=True))
            self._same("count", counted + 1, self._ranks(place))
        self.deployment.tape.record()
        params = {"players": len(self.order), "ties": self.population.ties, "reads": len(places)}
        units = self.deployment.meter.read_units / len(places)
        return Figure("peer.count_query.read_units", units, "read units", params)

    # the sorted list

    def _player(self, place: int) -> str:
        return self.population.ids[self.order[place]]

    def _ranks(self, place: int) -> int:
        return bisect_left(self.losses, self.losses[place]) + 1

    def _ties(self, place: int) -> int:
        return bisect_right(self.losses, self.losses[place]) - self._ranks(place) + 1

    def _shown(self, start: int, end: int) -> list[tuple[int, str]]:
        return [(self._ranks(each), self._player(each)) for each in range(max(0, start), min(end, len(self.order)))]

    def _around(self, place: int) -> list[tuple[int, str]]:
        return self._shown(place - NEIGHBOURS, place + NEIGHBOURS + 1)

    def _same(self, what: str, found: Any, expected: Any) -> None:
        if found != expected:
            raise NotTaken(f"{what} of {len(self.order)} players is {found}, not {expected}")
