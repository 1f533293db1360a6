"""Pages, standings and neighbours against a sorted list; what each of them costs."""

from __future__ import annotations

import random
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import replace
from typing import Any, TypeVar

import msgspec
import pytest

from chalicelib import settings
from chalicelib.domain.boards import ties
from chalicelib.domain.boards.rank_index import TOTAL, Found
from chalicelib.domain.progress.scores import MAX_SCORE, BoardUpdate, shard_of, shards_of
from chalicelib.domain.rules.ruleset import Rules
from chalicelib.services.boards.worker import feed_boards
from chalicelib.store.boards import keys, nodes, reads
from chalicelib.store.boards.entries import read_entry
from chalicelib.store.boards.reads import NEIGHBOURS, BoardReads
from tests.boards.naive import SortedBoard
from tests.pipeline import plant
from tests.pipeline.plant import Plant

A = TypeVar("A")
B = TypeVar("B")
BOARD = "global#all"
# On both sides of the borders of every level.
BORDERS = [1, 127, 128, 16_383, 16_384, 4_194_303, 4_194_304, 2**29, 2**36 + 5, MAX_SCORE]


class Board:
    """A board that its writer writes, and the sorted list that it must be."""

    def __init__(self, seed: int, shards: int = 1) -> None:
        self.rng = random.Random(seed)
        rules = plant.rules(settings.RULESETS / "default.toml")
        boards = [msgspec.structs.replace(board, shards=shards) for board in rules.ruleset.boards]
        chosen = Rules(msgspec.structs.replace(rules.ruleset, boards=boards), rules.levels)
        self.plant: Plant = plant.build(seed, chosen=chosen)
        self.context = self.plant.context
        self.naive = SortedBoard()
        self.versions: dict[str, int] = {}
        self.at_ms = self.plant.began_ms
        self.trips = Trips(self)
        self.reads = BoardReads(self.context.table, BOARD, shards_of(BOARD, shards), self.trips.each)

    def write(self, scores: Iterable[tuple[str, int]], step_ms: int = 1, back_ms: int = 0) -> None:
        """Write one message of states; a score of 0 leaves. Some are up to `back_ms` late."""
        states = []
        for player, score in dict(scores).items():
            self.at_ms += self.rng.randint(0, step_ms)
            reached = self.at_ms - self.rng.choice((0, 0, 0, self.rng.randint(0, back_ms)))
            version = self.versions[player] = self.versions.get(player, 0) + 1
            states.append(BoardUpdate(player, score, version, reached, 1, "Beginner", "0" * 16))
            if score:
                self.naive.spots[player] = (score, reached)
            else:
                self.naive.spots.pop(player, None)
        feed_boards(self.context, BOARD, states)

    def fill(self, players: int, scores: Callable[[], int]) -> None:
        self.write((f"player:player-{number:04d}-with-an-id-of-36-chars", scores()) for number in range(players))


class Trips:
    """Counts round trips: parallel calls are one."""

    def __init__(self, board: Board) -> None:
        self.meter = board.plant.world.dynamodb.meter
        self.saved = 0

    def each(self, work: Callable[[A], B], items: Iterable[A], /) -> list[B]:
        done, spent = [], []
        for item in items:
            before = self.meter.calls
            done.append(work(item))
            spent.append(self.meter.calls - before)
        self.saved += sum(spent) - max(spent)
        return done

    def of(self, read: Callable[[], A]) -> tuple[A, int, float]:
        """Return (what was read, round trips, read units)."""
        self.meter.reset()
        self.saved = 0
        answer = read()
        return answer, self.meter.calls - self.saved, self.meter.read_units


@pytest.fixture
def small_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lower the limits: tie directories, deep reads and asked-for ties on boards of a hundred players."""
    for name, value in (("MARK_AT", 4), ("RUN", 3), ("RUNS", 3), ("VOLUMES", 8)):
        monkeypatch.setattr(ties, name, value)
    for name, value in (("NEAR_TOP", 1), ("REACH", NEIGHBOURS + 1), ("SECOND_QUERY", 0), ("CARRIED", 8)):
        monkeypatch.setattr(reads, name, value)


def moved(seed: int, shards: int = 1) -> Board:
    """Return a board after a history of joins, falls, leavings and returns, with many ties."""
    board = Board(seed, shards)
    rng = board.rng
    choices = rng.sample(BORDERS, rng.randint(1, 4)) + [rng.randint(1, 300) for _ in range(rng.randint(0, 9))]
    for _ in range(rng.randint(1, 12)):
        batch = [f"player:p{rng.randrange(90)}" for _ in range(rng.randint(1, 40))]
        board.write(((player, rng.choice([0, *choices, *choices])) for player in batch), rng.choice((0, 1, 9)), 20)
    return board


def listed(board: Board) -> list[tuple[int, str, int]]:
    """Return (rank, player, score) of all members in board order."""
    return [(board.naive.above(score) + 1, player, score) for player, score, _ in board.naive.listed()]


def shown(ranked: Iterable[reads.Ranked]) -> list[tuple[int, str, int]]:
    return [(rank, entry.subject, entry.score) for rank, entry in ranked]


def borders(expected: list[tuple[int, str, int]]) -> list[int]:
    """Return offsets at and around the places where the score changes, both ends, and a random tenth of all."""
    scores = [score for _, _, score in expected]
    edges = {0, len(scores), len(scores) + 2}
    edges |= {place for place in range(1, len(scores)) if scores[place - 1] != scores[place]}
    near = {edge + step for edge in edges for step in (-1, 0, 1)}
    some = random.Random(len(scores)).sample(range(len(scores)), len(scores) // 10)
    return sorted(offset for offset in near | set(some) if offset >= 0)


def holds_everywhere(board: Board, offsets: Iterable[int]) -> None:
    """Check pages at these offsets, and every player's own entry, against the sorted list."""
    expected = listed(board)
    assert {shard_of(BOARD, subject, len(board.reads.shards)) for subject in board.versions} == {*board.reads.shards}
    assert board.reads.total() == len(expected)
    for offset in offsets:
        limit = board.rng.choice((1, 2, 5, 30))
        page = board.reads.page(offset, limit)
        assert (shown(page.ranked), page.total) == (expected[offset : offset + limit], len(expected)), (offset, limit)
    assert shown(board.reads.top(10)) == expected[:10]
    for place, (rank, player, score) in enumerate(expected):
        entry, total = board.reads.entry(player)
        assert entry is not None
        assert total == len(expected)
        around = board.reads.around(entry)
        assert around.standing == board.reads.standing(score)
        assert (around.standing.rank, around.standing.ties) == (rank, board.naive.ties(score))
        assert shown(around.neighbours) == expected[max(0, place - NEIGHBOURS) : place + NEIGHBOURS + 1]
        better = [other for _, _, other in expected if other > score]
        assert around.points_to_next == (min(better) - score if better else None)


@pytest.mark.usefixtures("small_runs")
@pytest.mark.parametrize("shards", [1, 3])
@pytest.mark.parametrize("seed", range(8))
def test_pages_and_ranks_are_those_of_a_sorted_list(seed: int, shards: int) -> None:
    board = moved(seed, shards)
    holds_everywhere(board, borders(listed(board)))


@pytest.mark.proof
@pytest.mark.usefixtures("small_runs")
@pytest.mark.parametrize("shards", [1, 3])
@pytest.mark.parametrize("seed", range(8, 40))
def test_pages_at_every_offset_are_those_of_a_sorted_list(seed: int, shards: int) -> None:
    board = moved(seed, shards)
    holds_everywhere(board, range(len(listed(board)) + 3))


@pytest.mark.parametrize("offset", [0, 1, 10**12])
def test_an_empty_board(offset: int) -> None:
    page = Board(1).reads.page(offset, 50)
    assert (page.ranked, page.total) == ([], 0)
    assert Board(1).reads.entry("player:anna") == (None, 0)


def test_a_player_that_left_keeps_an_entry_off_the_board() -> None:
    board = Board(1)
    board.write([("player:anna", 5), ("player:berta", 3)])
    board.write([("player:anna", 0)])
    entry, total = board.reads.entry("player:anna")
    assert entry is not None
    assert (entry.on_board, total) == (False, 1)


@pytest.mark.usefixtures("small_runs")
@pytest.mark.parametrize("shards", [1, 3])
@pytest.mark.parametrize("seed", range(8))
def test_no_read_fails_on_nodes_of_different_moments(seed: int, shards: int) -> None:
    """Test nodes of which each may be older or newer than the entries, and than any other node."""
    board = moved(seed, shards)
    table, rng = board.context.table, board.rng
    older = {
        f"{shard} {item['sk']['S']}": item
        for shard in board.reads.shards
        for item in table.query_all(keys.nodes(shard))
    }
    for _ in range(3):
        board.write((f"player:p{rng.randrange(90)}", rng.choice([0, 1, 128, 300, 4_194_304])) for _ in range(30))
    for name in rng.sample(sorted(older), len(older) // 2):
        table.put(older[name])
    for offset in range(0, 95, 2):
        ranks = [rank for rank, _ in board.reads.page(offset, 7).ranked]
        assert ranks == sorted(ranks)
        assert all(rank >= 1 for rank in ranks)
    for player in board.versions:
        entry = read_entry(table, BOARD, player)
        assert entry is not None
        if rng.random() < 0.3:
            entry = msgspec.structs.replace(entry, score=max(1, entry.score - rng.randint(0, 200)))
        around = board.reads.around(entry)
        ranks = [rank for rank, _ in around.neighbours]
        assert min(ranks) >= 1
        assert (around.points_to_next or 1) >= 1


def test_fewer_entries_than_nodes_count(monkeypatch: pytest.MonkeyPatch) -> None:
    board = Board(1)
    board.fill(100, lambda: 7)
    for skip, length, begin, end in ((5_000, 9_000, None, None), (70, 80, 5, 3), (0, 1, 5, 3)):
        found = Found(7, 0, 100, begin, end, skip, length)
        monkeypatch.setattr(nodes, "find", lambda _, found=found: found_at_once(found))
        page = board.reads.page(90, 10)
        assert len(page.ranked) <= 10
        assert page.total >= 100


def found_at_once(found: Found) -> Generator[list[str], Any, Found]:
    yield [TOTAL]
    return found


@pytest.fixture(scope="module")
def lognormal() -> Iterator[Board]:
    board = Board(7)
    board.fill(4000, lambda: 1 + int(board.rng.lognormvariate(8, 1.5)))
    yield board
    board.plant.world.close()


@pytest.fixture(scope="module")
def half_tied() -> Iterator[Board]:
    board = Board(8)
    board.fill(4000, lambda: 3000 if board.rng.random() < 0.5 else 1 + int(board.rng.lognormvariate(8, 1.5)))
    yield board
    board.plant.world.close()


def mean(values: list[Any]) -> float:
    return sum(values) / len(values)


@pytest.mark.parametrize(("tied", "most"), [(False, 5.0), (True, 6.0)])
def test_the_cost_of_a_page(tied: bool, most: float, lognormal: Board, half_tied: Board) -> None:
    board = half_tied if tied else lognormal
    expected = listed(board)
    units = []
    for offset in [61, 3999, *(board.rng.randrange(4000) for _ in range(100))]:
        page, trips, used = board.trips.of(lambda: board.reads.page(offset, 50))  # noqa: B023
        assert shown(page.ranked) == expected[offset : offset + 50]
        assert trips <= 5
        units.append(used)
    assert mean(units) <= most
    _, trips, used = board.trips.of(lambda: board.reads.page(0, 50))
    assert trips == 1
    assert used <= 2.5
    _, trips, used = board.trips.of(lambda: board.reads.page(10**12, 50))
    assert (trips, used) == (1, 1.0)


@pytest.mark.parametrize("tied", [False, True])
def test_the_cost_of_a_rank(tied: bool, lognormal: Board, half_tied: Board) -> None:
    board = half_tied if tied else lognormal
    for _, player, score in board.rng.sample(listed(board), 100):
        (entry, _), trips, used = board.trips.of(lambda: board.reads.entry(player))  # noqa: B023
        assert (trips, used) == (1, 1.0)
        _, trips, used = board.trips.of(lambda: board.reads.standing(score))  # noqa: B023
        assert (trips, used) == (1, 1.5)
        _, trips, used = board.trips.of(lambda: board.reads.around(entry))  # noqa: B023
        assert trips <= 2
        assert used <= 3.0
    assert board.trips.of(board.reads.total)[1:] == (1, 0.5)
    assert board.trips.of(lambda: board.reads.top(10))[1:] == (1, 0.5)


def test_shards_cost_their_number() -> None:
    board = Board(9, shards=2)
    board.fill(200, lambda: board.rng.randint(1, 50))
    assert board.trips.of(lambda: board.reads.standing(7))[1:] == (1, 3.0)
    assert board.trips.of(board.reads.total)[1:] == (1, 1.0)
    alone = replace(board.reads, shards=board.reads.shards[:1])
    assert 0 < alone.total() < 200
