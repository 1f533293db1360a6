"""The proof's own arithmetic against the index's, and corrections against the proof."""

from __future__ import annotations

import random
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.boards import ties
from chalicelib.domain.boards.entry_proof import ON_ITS_WAY_MS, EntryRow, Finding, judge
from chalicelib.domain.boards.index_proof import NodeRow, Recount, counters_of
from chalicelib.domain.boards.index_repair import corrections
from chalicelib.domain.boards.rank_index import Node, NodeChange, counter, start
from chalicelib.domain.boards.rank_index import counters_of as counters_of_the_index
from chalicelib.domain.progress.scores import MAX_SCORE, BoardUpdate

SCORES = st.one_of(
    st.integers(0, MAX_SCORE),
    st.integers(0, 300),
    st.builds(lambda bits, more: max(0, (1 << bits) + more), st.integers(0, 53), st.integers(-1, 1)),
)
FROZEN_MS = 10**9


@given(SCORES)
def test_a_score_is_in_the_counters_that_the_writer_counts(score: int) -> None:
    assert sorted(counters_of(score)) == sorted((name, counter(digit)) for name, digit in counters_of_the_index(score))


@given(st.integers(0, 10**6), st.booleans())
def test_corrections_turn_any_nodes_into_the_expected_ones(seed: int, divides: bool) -> None:
    """Test right nodes, broken at random: corrections repair them, and then there are none."""
    rng = random.Random(seed)
    with patch.multiple(ties, MARK_AT=3, RUN=2, RUNS=2, VOLUMES=8):
        groups = {
            rng.choice((rng.randrange(1, 9), rng.randrange(1, 10**5), rng.randrange(1, 10**16))): [
                rng.randrange(40) for _ in range(rng.choice((1, 2, 3, 9, 30)))
            ]
            for _ in range(rng.randrange(6))
        }
        nodes: dict[str, Node] = {}
        apply(nodes, corrections(groups, nodes, divides=divides))
        assert proven(groups, nodes) == []
        assert corrections(groups, nodes, divides=divides) == {}
        for _ in range(rng.randrange(5)):
            break_something(rng, nodes)
        for members in groups.values():
            del members[rng.randrange(len(members)) :]
        groups = {score: members for score, members in groups.items() if members}
        apply(nodes, corrections(groups, nodes, divides=divides))
        assert proven(groups, nodes) == []


def break_something(rng: random.Random, nodes: dict[str, Node]) -> None:
    if not nodes:
        nodes["0.3"] = Node(0, {5: 1}, {5: 1})
        return
    name = rng.choice(sorted(nodes))
    what = rng.choice((nodes[name].counts, nodes[name].starts))
    if rng.random() < 0.2:
        del nodes[name]
    elif rng.random() < 0.3 or not what:
        what[rng.randrange(3)] = rng.randrange(40)
    elif rng.random() < 0.5:
        del what[rng.choice(sorted(what))]
    else:
        what[rng.choice(sorted(what))] += rng.choice((-3, 1, 5))


def apply(nodes: dict[str, Node], changes: dict[str, NodeChange]) -> None:
    for name, change in changes.items():
        node = nodes.setdefault(name, Node())
        for attribute, amount in change.adds.items():
            digit = int(attribute, 16)
            node.counts[digit] = node.counts.get(digit, 0) + amount
        for attribute, value in change.sets.items():
            node.starts.pop(int(attribute[1:], 16), None)
            if value is not None:
                node.starts[int(attribute[1:], 16)] = value


def proven(groups: dict[int, list[int]], nodes: dict[str, Node]) -> list[str]:
    rows = {
        name: NodeRow(
            0, {counter(d): n for d, n in node.counts.items()} | {start(d): n for d, n in node.starts.items()}
        )
        for name, node in nodes.items()
    }
    recount = Recount(rows)
    for score, moments in groups.items():
        for moment in moments:
            recount.add(score, moment)
    return [str(each) for each in recount.differences()]


def row(**values: object) -> EntryRow:
    given_ = {"subject": "player:ada", "version": 7, "seq": 1, "score": 50, "reached_at": 5, "public": "p", "name": "",
              "private": False, "hidden": False, "order": "o", "due_order": "o", "level": 1,
              "title": "t"} | values  # fmt: skip
    return EntryRow(**given_)  # type: ignore[arg-type]


def state(**values: object) -> BoardUpdate:
    given_ = {"subject": "player:ada", "score": 50, "version": 7, "reached_at": 5, "level": 1, "title": "t",
              "public_id": "p"} | values  # fmt: skip
    return BoardUpdate(**given_)  # type: ignore[arg-type]


def test_an_entry_is_judged_by_its_players_totals() -> None:
    fine, flight, late, wrong = Finding.FINE, Finding.IN_FLIGHT, Finding.AFTER_FREEZE, Finding.WRONG
    after = FROZEN_MS - ON_ITS_WAY_MS + 1
    cases = [
        (row(), state(), None, fine),
        (row(), state(version=9), None, fine),
        (row(), state(version=9, reached_at=8), None, fine),
        (row(version=9), state(reached_at=4), None, wrong),
        (row(), state(reached_at=8), None, wrong),
        (row(), state(score=60), None, wrong),
        (row(), state(score=60, version=8), None, flight),
        (row(version=8), state(), None, wrong),
        (row(order=""), state(), None, wrong),
        (row(order="", hidden=True), state(hidden=True), None, fine),
        (row(order="o", hidden=True), state(hidden=True), None, wrong),
        (row(order="", score=0), state(score=0), None, fine),
        (row(), state(name="Ada", version=8), None, flight),
        (row(), state(name="Ada"), None, wrong),
        (row(), None, None, wrong),
        (row(order=""), None, None, fine),
        (None, None, None, fine),
        (None, state(), None, flight),
        (None, state(score=0), None, fine),
        (None, state(hidden=True), None, fine),
        (None, state(), FROZEN_MS, wrong),
        (None, state(reached_at=after), FROZEN_MS, late),
        (row(), state(score=60, version=8), FROZEN_MS, wrong),
        (row(), state(score=60, version=8, reached_at=after), FROZEN_MS, late),
        (row(), state(score=60, version=8, reached_at=after, hidden=True), FROZEN_MS, flight),
        (row(), state(version=8, private=True), FROZEN_MS, flight),
        (row(), state(version=8), FROZEN_MS, fine),
    ]
    for found, expected, frozen_ms, finding in cases:
        assert judge(found, expected, frozen_ms)[0] is finding, (found, expected, frozen_ms)
    assert judge(row(score=60), state(), None)[1] == [("score 50 at version 7", "60 at version 7")]
