"""Rank, select and total on the pure trie, against a sorted list."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.boards.rank_index import (
    TOTAL,
    Found,
    Move,
    Node,
    Spot,
    count_moves,
    find,
    height,
    path,
    standing,
)
from chalicelib.domain.progress.scores import MAX_SCORE
from tests.boards.naive import SortedBoard, counts_of
from tests.domain.boards.trie import ask, change, walked

# Where a level ends, a digit turns, or a range of scores begins.
BORDERS = sorted(
    {
        border + step
        for border in (1, 2**7, 2**8, 2**14, 2**21, 2**22, 2**29, 2**36, 2**43, 2**50, 10**16)
        for step in (-1, 0, 1)
        if 0 < border + step <= MAX_SCORE
    }
)
scores = st.one_of(
    st.sampled_from(BORDERS),
    st.integers(1, 20),
    st.integers(1, 20_000),
    st.integers(1, 300).map(lambda digit: digit << 7),
    st.integers(1, 300).map(lambda digit: digit << 14),
    st.integers(1, MAX_SCORE),
)
spots = st.tuples(scores, st.integers(0, 9))
places = st.lists(spots, max_size=60)


def test_an_empty_board_has_no_entry_and_no_ties() -> None:
    assert ask(find(0), {}) is None
    assert standing(5, {}).rank == 1
    assert standing(5, {}).ties == 0


@pytest.mark.parametrize("score", BORDERS)
def test_a_single_player_is_first_wherever_the_score_lies(score: int) -> None:
    nodes = indexed([(score, 7)])
    assert standing(score, nodes) == standing(score, only(nodes, path(score)))
    assert (standing(score, nodes).rank, standing(score, nodes).ties) == (1, 1)
    assert standing(score - 1, nodes).rank == 2
    assert ask(find(0), nodes) == Found(score, above=0, ties=1, start=None, end=None, skip=0, length=1)
    assert ask(find(1), nodes) is None


@given(places, scores)
def test_a_rank_equals_a_count_of_better_scores(spots: list[Spot], other: int) -> None:
    board, nodes = sorted_board(spots), indexed(spots)
    for score in {0, other, *(score for score, _ in spots)}:
        got = standing(score, only(nodes, path(score)))
        assert (got.above, got.ties) == (board.above(score), board.ties(score))


@given(places)
def test_every_offset_is_found(spots: list[Spot]) -> None:
    board, nodes = sorted_board(spots), indexed(spots)
    for offset, (_, score, _) in enumerate(board.listed()):
        above, ties = board.above(score), board.ties(score)
        assert ask(find(offset), nodes) == Found(score, above, ties, None, None, offset - above, ties)
    assert ask(find(len(spots)), nodes) is None
    assert ask(find(10**12), nodes) is None


@given(st.integers(1, 700), scores)
def test_a_board_of_one_tie_is_one_group(players: int, score: int) -> None:
    nodes = indexed([(score, 5)] * players)
    assert (standing(score, nodes).rank, standing(score, nodes).ties) == (1, players)
    for offset in {0, players // 2, players - 1}:
        assert ask(find(offset), nodes) == Found(score, 0, players, None, None, offset, players)


@given(places)
def test_the_counters_are_those_of_the_specification(spots: list[Spot]) -> None:
    assert shown(indexed(spots)) == counts_of(sorted_board(spots).spots)


@given(st.lists(st.tuples(st.integers(0, 11), st.none() | spots), max_size=60))
def test_after_any_moves_the_counters_are_those_of_the_remaining_members(moves: list[tuple[int, Spot | None]]) -> None:
    """Test rises, falls, leavings and returns."""
    board, nodes = SortedBoard(), dict[str, Node]()
    for number, spot in moves:
        player = f"player-{number:02d}"
        change(nodes, count_moves([(board.spots.get(player), spot)]))
        board.spots.pop(player, None)
        if spot is not None:
            board.spots[player] = spot
    assert shown(nodes) == counts_of(board.spots)


@given(places, places)
def test_a_batch_of_moves_is_the_sum_of_them(before: list[Spot], after: list[Spot]) -> None:
    joins: list[Move] = [(None, spot) for spot in (*before, *after)]
    leaves: list[Move] = [(spot, None) for spot in before]
    nodes: dict[str, Node] = {}
    change(nodes, count_moves([*joins, *leaves]))
    assert shown(nodes) == shown(indexed(after))


@given(spots)
def test_a_move_that_changes_no_counter_writes_no_node(spot: Spot) -> None:
    assert count_moves([(spot, (spot[0], spot[1] + 1))]) == {}


def test_a_rank_reads_three_nodes_below_the_roots_end_and_one_more_for_each_level() -> None:
    assert [len(path(score)) for score in (1, 2**22 - 1, 2**22, 2**29 - 1, 2**29, MAX_SCORE)] == [3, 3, 4, 4, 5, 8]
    assert height(0) == 3


@given(places)
def test_an_offset_takes_one_trip_for_each_level(spots: list[Spot]) -> None:
    nodes = indexed(spots)
    for offset, (_, score, _) in enumerate(sorted_board(spots).listed()):
        _, trips = walked(find(offset), nodes)
        # Up the spine and down again: of a level above the root, both its spine node and the level below are read.
        assert len(trips) <= 3 + 2 * (height(score) - 3)
        assert all(len(names) <= 2 for names in trips)


def test_below_the_roots_end_an_offset_takes_three_trips() -> None:
    nodes = indexed([(score, 1) for score in (1, 200, 70_000, 4_000_000)])
    assert [len(walked(find(offset), nodes)[1]) for offset in range(4)] == [3, 3, 3, 3]
    assert walked(find(3), nodes)[1][0] == [TOTAL, "2.0"]


@given(places, st.integers(0, 80), st.data())
def test_a_walk_over_torn_nodes_ends_somewhere(spots: list[Spot], offset: int, data: st.DataObject) -> None:
    """Test counters read at different moments: they disagree, and a walk still returns a page."""
    nodes = indexed(spots)
    for node in nodes.values():
        for digit in node.counts:
            node.counts[digit] += data.draw(st.integers(-2, 2))
    found = ask(find(offset), nodes)
    if found is not None:
        assert 0 <= found.score <= MAX_SCORE
        assert found.skip >= 0
        assert found.length > found.skip


def sorted_board(spots: list[Spot]) -> SortedBoard:
    return SortedBoard({f"player-{number:03d}": spot for number, spot in enumerate(spots)})


def indexed(spots: list[Spot]) -> dict[str, Node]:
    nodes: dict[str, Node] = {}
    change(nodes, count_moves([(None, spot) for spot in spots]))
    return nodes


def only(nodes: Mapping[str, Node], steps: list[tuple[str, int]]) -> dict[str, Node]:
    """Return the part of these nodes that one read returns."""
    return {name: nodes[name] for name, _ in steps if name in nodes}


def shown(nodes: Mapping[str, Node]) -> dict[str, dict[int, int]]:
    """Return the counters that are not 0."""
    counts = {name: {digit: n for digit, n in node.counts.items() if n} for name, node in nodes.items()}
    return {name: each for name, each in counts.items() if each}
