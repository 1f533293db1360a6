"""Two writers of one board, one stopped at any call while the other goes any way: all of them, not some by a seed."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from functools import cache
from typing import Any
from unittest.mock import patch

import msgspec
import pytest

from chalicelib.domain.progress.scores import BoardUpdate
from chalicelib.services.boards import rebuild_index
from chalicelib.services.boards.messages import BoardMessage
from chalicelib.services.boards.worker import feed_messages
from tests.boards import judge
from tests.boards.mutants import MUTANTS, moves_added_at_the_end
from tests.boards.roster import Roster
from tests.boards.scenario import rules, small_limits
from tests.boards.turns import ENDINGS, Strand, taking_turns
from tests.boards.watch import Watch
from tests.pipeline.plant import TABLE, build
from tests.simulated import Call, Faults
from tests.simulated.savepoint import Savepoint

# A history in which the two messages share players and nodes.
SEED = 1
# One whose two messages move the same few players: they share entries too.
FEW_PLAYERS = 3
STEPS = 8
MOVED = 4
ORDERS = {"freeze": {"freeze": True}, "repair": {"repair": True, "nonce": "order"}, "look": {}}
PAIRS = [
    ("states", "states"),
    ("states", "freeze"),
    ("states", "rewrite"),
    ("states", "repair"),
    ("freeze", "states"),
    ("rewrite", "states"),
    ("rewrite", "freeze"),
    ("repair", "states"),
    ("repair", "freeze"),
]
GUARDS = [
    "freeze_guard",
    "taken_for_its_own",
    "begin_unconditional",
    "finish_unconditional",
    "entry_guard",
    "node_guard",
]


class Stage:
    """A board with ties, and two messages for it that can be played again and again from the same beginning."""

    def __init__(self, first: str, second: str, seed: int) -> None:
        self.plant = build(0, Faults(), rules())
        self.roster = Roster(self.plant, random.Random(seed))
        self.roster.styles[self.roster.today] = "tied"
        for _ in range(STEPS):
            self._feed(self._message("states"))
        self.messages = [self._message(first), self._message(second)]
        if "repair" in (first, second):
            self._edit_total()
        engine = self.plant.world.dynamodb
        self.saved, self.unwatched = Savepoint(engine.tables[TABLE]), engine._handlers["UpdateItem"]

    def play(self, stop: int, ending: str, until: Callable[[Strand], bool]) -> tuple[list[str], bool]:
        """Stop the first before its call number `stop`, run the second until it is `until` there, then end the first.

        The first's next call ends in the way of `ending`; then the second ends. All of it is delivered once more, but a
        repair only if it came to no end: another one would correct errors of the first. It returns the findings, and
        whether the first had so many calls to make.
        """
        watch = self._restart()
        with taking_turns():
            first, second = (Strand(lambda body=body: self._feed(body)) for body in self.messages)
            while not first.done and first.calls < stop:
                first.step()
            stopped = not first.done
            while not second.done and not until(second):
                second.step()
            if stopped:
                first.step(ending)
            first.finish()
            second.finish()
        for body, strand in zip(self.messages, (first, second), strict=True):
            if '"repair"' not in body or strand.died or strand.failed:
                self._feed(body)
        self._feed(self._order("look"))
        self._drain()
        failures = [repr(each.failed) for each in (first, second) if each.failed]
        return failures + judge.board_findings(self.roster, watch, self.roster.today, 1), stopped

    def _restart(self) -> Watch:
        world = self.plant.world
        world.attach(self.plant.sqs)
        self.saved.restore()
        queue = world.queue(self.plant.urls["boards"])
        queue.purge(world.now_ms())
        queue._dedupes.clear()
        world.dynamodb._handlers["UpdateItem"] = self.unwatched
        watch = Watch(self.plant)
        watch.spoilt.add(self.roster.today)
        return watch

    def _drain(self) -> None:
        """Deliver the requests made meanwhile, and their own requests."""
        queue, done = self.plant.world.queue(self.plant.urls["boards"]), 0
        while len(messages := queue.messages()) > done:
            self._feed(messages[done].body)
            done += 1

    def _edit_total(self) -> None:
        """Damage a node, so that there is something to repair."""
        key = {"pk": {"S": f"NODE#{self.roster.today}"}, "sk": {"S": "TOTAL"}}
        change = {"UpdateExpression": "ADD #c :c", "ExpressionAttributeNames": {"#c": "00"}}
        values = {"ExpressionAttributeValues": {":c": {"N": "3"}}}
        self.plant.world.execute("dynamodb", "UpdateItem", {"TableName": TABLE, "Key": key} | change | values, Call())

    def _feed(self, body: str) -> None:
        feed_messages(self.plant.context, [("message", body)])

    def _message(self, work: str) -> str:
        if work != "states":
            return self._order(work)
        board, states = self.roster.today, list[BoardUpdate]()
        while len(states) < MOVED:
            self.plant.world.sleep(1)
            states += self.roster.step().get(board, [])
        raws = [msgspec.Raw(msgspec.json.encode(state)) for state in states]
        return msgspec.json.encode(BoardMessage(board, board, raws)).decode()

    def _order(self, work: str) -> str:
        board = self.roster.today
        if work == "rewrite":
            self.roster.rewritten[board] |= set(self.roster.subjects)
            return msgspec.json.encode(BoardMessage(board, board, rewrite=self.roster.subjects)).decode()
        return msgspec.json.encode(BoardMessage(board, board, **ORDERS[work])).decode()


@pytest.fixture(autouse=True)
def limits() -> Iterator[None]:
    """Let one message take all steps of a repair, so that the other writes between any two of its calls."""
    with small_limits(), patch.multiple(rebuild_index, TURN_MS=3_600_000, STEP_ENTRIES=6):
        yield


@cache
def stage(first: str, second: str, seed: int) -> Stage:
    return Stage(first, second, seed)


def _never(_: Strand) -> bool:
    return False


def _has_begun(strand: Strand) -> bool:
    return strand.begun


def _has_ended(strand: Strand) -> bool:
    return strand.ended


def bad(first: str, second: str, mutant: Callable[[], Any] = nullcontext, seed: int = SEED) -> Iterator[str]:
    """Yield everything that fails if the first stops at any call and the second runs to its end, or dawdles."""
    ways = [(ending, _never) for ending in ENDINGS] + [("done", _has_begun), ("refused", _has_begun)]
    with mutant():
        for ending, until in ways:
            yield from _stopped_anywhere(first, second, ending, until, seed)


def _stopped_anywhere(
    first: str, second: str, ending: str, until: Callable[[Strand], bool], seed: int = SEED
) -> Iterator[str]:
    place, stopped = 0, True
    while stopped:
        wrong, stopped = stage(first, second, seed).play(place, ending, until)
        yield from (f"{first} {ending} at {place}: {each}" for each in wrong)
        place += 1


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_two_writers_in_any_order(first: str, second: str) -> None:
    assert not list(bad(first, second))


@pytest.mark.parametrize("calls", range(1, 12, 2))
def test_two_writers_of_states_stopped_at_any_two_calls(calls: int) -> None:
    assert not list(_stopped_anywhere("states", "states", "done", lambda strand: strand.calls >= calls))


@pytest.mark.parametrize("guard", GUARDS)
def test_without_a_guard_some_order_is_bad(guard: str) -> None:
    second = "freeze" if guard == "freeze_guard" else "states"
    seed = FEW_PLAYERS if guard == "entry_guard" else SEED
    assert next(bad("states", second, MUTANTS[guard], seed), None)


def test_states_that_are_done_dawdle_between_any_two_calls_of_a_repair() -> None:
    assert not list(_stopped_anywhere("repair", "states", "done", _has_ended))


def test_moves_reported_after_the_intent_are_too_late() -> None:
    with moves_added_at_the_end():
        assert next(_stopped_anywhere("repair", "states", "done", _has_ended), None)


def _has_counted_some(strand: Strand) -> bool:
    return strand.steps >= 2


def test_states_may_begin_before_a_step_of_repair_and_end_after_it() -> None:
    assert not list(_stopped_anywhere("states", "repair", "done", _has_counted_some))


def test_a_step_without_a_number_is_invisible_to_an_earlier_reader_of_the_log() -> None:
    with MUTANTS["steps_have_no_number"]():
        assert next(_stopped_anywhere("states", "repair", "done", _has_counted_some), None)


@pytest.mark.parametrize("guard", ["steps_noted_whatever_came_between", "corrections_whatever_came_between"])
def test_without_a_guard_of_repair_some_order_is_bad(guard: str) -> None:
    assert next(bad("repair", "states", MUTANTS[guard]), None)
