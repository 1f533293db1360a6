"""A board corrected range by range is the board corrected at once; a counter is corrected by exactly one of them."""

from __future__ import annotations

import random
from array import array
from collections import Counter
from collections.abc import Iterator
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.boards import index_repair, ties
from chalicelib.domain.boards.index_repair import corrections, corrections_across, net_sizes
from chalicelib.domain.boards.rank_index import OVER, TOTAL, Node, counters_of
from chalicelib.domain.boards.score_range import LEAF, Range, counters_across, span_of
from chalicelib.domain.boards.score_slice import ScoreSlice
from tests.domain.boards.test_index_proof import apply, break_something, proven

Tally = tuple[list[int], list[int], list[int]]


@given(st.integers(0, 10**6), st.sampled_from((1, 4_000, 20_000, 10**9)))
def test_ranges_and_counters_across_them_correct_any_nodes(seed: int, max_bytes: int) -> None:
    rng = random.Random(seed)
    with patch.multiple(ties, MARK_AT=3, RUN=2, RUNS=2, VOLUMES=8), patch.object(index_repair, "SORTED_AT_ONCE", 2):
        then, now = groups_of(rng), groups_of(rng)
        nodes: dict[str, Node] = {}
        apply(nodes, corrections(groups_of(rng), nodes, divides=True))
        for _ in range(rng.randrange(8)):
            break_something(rng, nodes)
        tallies, moves = tallies_and_moves(rng, then, now)
        cuts = [*ranges(max_bytes, tallies, moves, nodes)]
        across = counters_across(cuts)
        parts = [*((scores, sizes) for scores, sizes, _ in tallies), *map(net_sizes, moves)]
        apply(nodes, corrections_across(across, parts, nodes))
        assert proven(now, nodes) == []
        if max_bytes == 1:
            assert len(cuts) >= len({score // LEAF for score in now}) - 1, "one leaf is always enough"


def ranges(max_bytes: int, tallies: list[Tally], moves: list[list[int]], nodes: dict[str, Node]) -> Iterator[int]:
    """Correct nodes range by range; return the cuts."""
    low: int | None = 0
    while low is not None:
        part = ScoreSlice(low, max_bytes)
        for tally in tallies:
            part.add_tally(*tally)
        for each in moves:
            part.add_moves(each)
        for name, node in sorted(nodes.items()):
            part.add_node(name, node)
        apply(nodes, part.corrections(divides=True))
        low = part.range.high
        if low is not None:
            yield low


def groups_of(rng: random.Random) -> dict[int, list[int]]:
    return {
        rng.choice((rng.randrange(1, 9), rng.randrange(1, 10**5), rng.randrange(1, 10**16))): [
            rng.randrange(40) for _ in range(rng.choice((1, 2, 3, 9)))
        ]
        for _ in range(rng.randrange(1, 8))
    }


def tallies_and_moves(
    rng: random.Random, then: dict[int, list[int]], now: dict[int, list[int]]
) -> tuple[list[Tally], list[list[int]]]:
    """Return tallies of an earlier board, and moves that turn it into the current one.

    All members leave and others come, some in between. Leaving comes to be known first or last.
    """
    tallies: list[Tally] = [([score], [len(moments)], moments) for score, moments in then.items()]
    moves = [[score, moment, -1, -1] for score, moments in then.items() for moment in moments]
    moves += [[-1, -1, score, moment] for score, moments in now.items() for moment in moments]
    for _ in range(3):
        moves += [[-1, -1, 77, 5], [77, 5, -1, -1]]
    rng.shuffle(moves)
    return tallies, moves


@given(st.integers(1, 10**16 - 1), st.lists(st.integers(1, 10**14), max_size=4, unique=True))
def test_every_counter_is_corrected_once(score: int, leaves: list[int]) -> None:
    cuts = sorted(number * LEAF for number in leaves)
    parts = [Range(low, high) for low, high in zip([0, *cuts], [*cuts, None], strict=True)]
    across = Counter(counters_across(cuts))
    for name, digit in counters_of(score):
        span = span_of(name, digit)
        assert span.real
        assert span.low <= score
        assert span.high is None or score < span.high
        assert sum(part.owns(name, digit) for part in parts) + across[name, digit] == 1


@pytest.mark.parametrize(
    ("name", "digit"),
    [("1.0", 200), ("2.0", 0), ("0.7", OVER), ("9.9", 3), ("TOTAL", 5), ("D.300", 1), ("V.300.2", 0), ("elsewhere", 1)],
)
def test_an_uncounted_score_belongs_to_one_range(name: str, digit: int) -> None:
    parts = [Range(0, 128), Range(128, 256), Range(256, 384), Range(384, None)]
    assert sum(part.owns(name, digit) for part in parts) == 1
    assert (name, digit) not in counters_across([128, 256, 384])


def test_the_total_lies_across_any_cut_and_no_cut_means_nothing_does() -> None:
    assert (TOTAL, 0) in counters_across([LEAF])
    assert counters_across([]) == []


def test_a_tie_group_of_many_members_is_sorted_within_its_arrays() -> None:
    moments = array("q", random.Random(1).sample(range(10**9), 1_000))
    with patch.object(index_repair, "SORTED_AT_ONCE", 64):
        assert list(index_repair._sorted(moments)) == sorted(moments)
