"""Directories of tie groups: joins and leaves in any order of time, against a sorted list, on small limits."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.boards import ties
from chalicelib.domain.boards.rank_index import Move, Spot, find
from tests.boards.naive import SortedBoard, node_findings
from tests.domain.boards.trie import Trie, walked

SMALL = {"MARK_AT": 4, "RUN": 2, "RUNS": 3, "VOLUMES": 8}
# Two groups under one leaf, one under its neighbour, one far off.
SCORES = (5, 9, 130, 70_000)


@pytest.fixture(autouse=True, scope="module")
def small_limits() -> Iterator[None]:
    with patch.multiple(ties, **SMALL):
        yield


class Board:
    """A board and its trie, moved together."""

    def __init__(self) -> None:
        self.list, self.trie = SortedBoard(), Trie()

    def put(self, *moves: tuple[str, Spot | None]) -> None:
        """Apply one intent."""
        spots = self.list.spots
        self.trie.move([(spots.get(player), spot) for player, spot in moves if spots.get(player) != spot])
        for player, spot in moves:
            spots.pop(player, None)
            if spot is not None:
                spots[player] = spot

    def fill(self, members: int, score: int = 5, moment: int = 100, step: int = 1) -> None:
        """Add new members, one by one, in order of time."""
        for number in range(members):
            self.put((f"{score}-{moment}-{number:04d}", (score, moment + number * step)))

    def check(self) -> None:
        """Check that every counter is right, every offset is found, and every run holds exactly its members."""
        found = node_findings(self.trie.counts, self.trie.starts, self.list.spots)
        assert not found, "\n".join(found)
        listed = self.list.listed()
        groups = Counter(score for _, score, _ in listed)
        for offset, (player, score, moment) in enumerate(listed):
            place, _ = walked(find(offset), self.trie.nodes)
            assert place is not None
            assert (place.score, place.above, place.ties) == (score, self.list.above(score), groups[score])
            run = [
                (other, at)
                for other, each, at in listed
                if each == score and (place.start or 0) <= at and (place.end is None or at < place.end)
            ]
            assert len(run) == place.length
            assert run[place.skip] == (player, moment)
        assert walked(find(len(listed)), self.trie.nodes)[0] is None

    def longest_run(self) -> int:
        """Return the length of the longest run after the mark; 0 without a mark."""
        places = [walked(find(offset), self.trie.nodes)[0] for offset in range(len(self.list.spots))]
        return max((place.length for place in places if place and place.start is not None), default=0)


times = st.integers(0, 12) | st.integers(0, 60)
players = st.integers(0, 40).map("player-{:02d}".format)
spots = st.none() | st.tuples(st.sampled_from(SCORES), times)
batches = st.lists(st.lists(st.tuples(players, spots), min_size=1, max_size=9, unique_by=lambda m: m[0]), max_size=30)


@given(batches)
def test_members_come_and_go_in_any_order_of_time(history: list[list[tuple[str, Spot | None]]]) -> None:
    board = Board()
    for batch in history:
        board.put(*batch)
    board.check()


@given(st.randoms(use_true_random=False), st.integers(1, 3))
def test_as_a_board_lives(rng: random.Random, groups: int) -> None:
    """Test batches mostly in order of time, with late-comers, moves between groups and leavings."""
    board = Board()
    for now in range(100, 160):
        batch: dict[str, Spot | None] = {}
        for _ in range(rng.choice((1, 1, 2, 6))):
            player = f"player-{rng.randrange(60):02d}"
            moment = now if rng.random() < 0.8 else rng.randint(90, now)
            batch[player] = None if rng.random() < 0.2 else (SCORES[rng.randrange(groups)], moment)
        board.put(*batch.items())
    board.check()


@pytest.mark.parametrize("members", [1, 3, 4, 5, 6, 7, 11, 12, 30, 80])
def test_a_group_that_grows_in_time_is_found_in_short_runs(members: int) -> None:
    board = Board()
    board.fill(members)
    board.check()
    if members <= SMALL["MARK_AT"] + SMALL["RUN"] * SMALL["RUNS"] * SMALL["VOLUMES"] // 2:
        assert board.longest_run() <= SMALL["RUN"]


def test_the_mark_is_set_by_the_first_to_come_after_the_limit() -> None:
    board = Board()
    board.fill(SMALL["MARK_AT"])
    assert board.trie.starts == {}
    board.fill(1, moment=500)
    assert board.trie.starts["0.0"] == {5: 500}
    assert board.trie.starts["1.0"] == {0: 5}


def test_members_that_left_do_not_count_towards_the_mark() -> None:
    board = Board()
    board.fill(SMALL["MARK_AT"])
    first, _, _ = board.list.listed()[0]
    board.put((first, None), ("new", (5, 500)))
    assert board.trie.starts == {}
    board.check()


def test_members_from_before_the_mark_are_not_in_the_directory() -> None:
    board = Board()
    board.fill(8)
    before = [player for player, _, moment in board.list.listed() if moment < 104]
    board.put(*((player, None) for player in before))
    board.check()
    board.put((before[0], (5, 101)))
    board.check()


def test_many_of_one_moment_share_a_run() -> None:
    board = Board()
    board.fill(5)
    board.put(*((f"same-{number:02d}", (5, 300)) for number in range(9)))
    board.fill(3, moment=301)
    board.check()
    assert board.longest_run() >= 9


def test_late_comers_join_closed_runs() -> None:
    board = Board()
    board.fill(20, step=10)
    board.put(*((f"late-{number:02d}", (5, 101 + 7 * number)) for number in range(20)))
    board.check()


def test_an_emptied_group_fills_again() -> None:
    board = Board()
    board.fill(20)
    board.put(*((player, None) for player, _, _ in board.list.listed()))
    board.check()
    board.fill(12, moment=300)
    board.check()


def test_volumes_of_a_group_beyond_all_limits_still_count() -> None:
    """Test that the last run takes all further members when every volume is full."""
    board = Board()
    with patch.object(ties, "run_size", lambda number: 1):
        board.fill(60)
        board.check()
    assert len(board.trie.starts["D.5"]) == SMALL["VOLUMES"]


def test_runs_grow_with_the_number_of_volumes() -> None:
    with patch.multiple(ties, RUN=128, RUNS=64, VOLUMES=128):
        assert [ties.run_size(number) for number in (0, 64, 79, 80, 96, 127)] == [128, 128, 128, 256, 512, 1024]
        assert sum(64 * ties.run_size(number) for number in range(128)) > 2_000_000


def test_two_groups_below_one_leaf_keep_apart() -> None:
    board = Board()
    board.fill(12, score=5, moment=100)
    board.fill(9, score=9, moment=200)
    board.fill(9, score=5, moment=300)
    board.check()


def test_a_hint_saves_the_trip_of_the_directory() -> None:
    board = Board()
    board.fill(7)
    _, trips = walked(find(6), board.trie.nodes)
    assert trips == [["TOTAL", "2.0"], ["1.0"], ["0.0", "D.5"], ["V.5.0"]]


def test_the_hint_is_the_largest_group_when_it_began_a_volume() -> None:
    board = Board()
    board.fill(30, score=9, moment=100)
    board.fill(5, score=5, moment=200)
    assert board.trie.starts["1.0"] == {0: 9}
    board.fill(60, score=5, moment=300)
    assert board.trie.starts["1.0"] == {0: 5}
    board.check()


@given(st.lists(st.integers(0, 40), min_size=1, max_size=90).map(sorted))
def test_a_whole_group_in_parts_is_every_member_once(moments: list[int]) -> None:
    """Test the ordered parts that repair makes of a group: all members once, a moment never in two."""
    parts = ties.parts(moments)
    assert len(parts) <= SMALL["VOLUMES"]
    assert all(0 < len(runs) <= SMALL["RUNS"] for runs in parts)
    runs = [run for each in parts for run in each]
    begins = [begin for begin, _ in runs]
    assert begins == sorted(set(begins))
    assert begins[0] == moments[0]
    for (begin, members), end in zip(runs, [*begins[1:], 1000], strict=True):
        assert members == sum(1 for moment in moments if begin <= moment < end)


def test_the_last_part_takes_all_that_is_too_many() -> None:
    moments = list(range(3000))
    with patch.object(ties, "run_size", lambda number: 2):
        parts = ties.parts(moments)
    assert len(parts) == SMALL["VOLUMES"]
    assert sum(members for runs in parts for _, members in runs) == 3000


def test_moves_off_every_group_divide_nothing() -> None:
    moves: list[Move] = [(None, None)]
    assert ties.leaves_of(moves) == []
    assert ties.divide(moves, {}, 0) == {}
