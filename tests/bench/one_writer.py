"""board.updates_per_s: one writer of a board on a local stack; the emulator must count equal write units.

The rate is an emulator's on this machine: nothing here says how fast AWS is.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

from chalicelib.domain.progress.scores import BoardUpdate, board_id
from chalicelib.services.boards.read_leaderboard import open_board
from chalicelib.services.context import Context
from chalicelib.services.progress.publish_scores import send_updates
from chalicelib.store.boards.entries import scan_entries
from infra.local.stack import Stack
from tests.bench.board import Population, write
from tests.bench.deployment import Deployment
from tests.bench.emulated import LABEL, context_of, drain, stack_of_its_own
from tests.bench.figures import Figure, NotTaken
from tests.bench.rank_updates import Progress, feed

COMPARED = {1: 20, 10: 5, 500: 1}
COMPARED_PLAYERS = 1_000
PLAYERS = 2_000
ROUNDS = 3
SCOPE = "tokens_shared"  # not the board on which write units are compared


def rate(players: int = PLAYERS, rounds: int = ROUNDS) -> Iterator[Figure]:
    with stack_of_its_own() as stack:
        context = context_of(stack)
        compare(context)
        yield _rate(stack, context, players, rounds)


def compare(context: Context, players: int = COMPARED_PLAYERS, batches: Mapping[int, int] = COMPARED) -> None:
    """Feed the same batches to the simulated table and the emulator's. Raise NotTaken if their write units differ."""
    simulated = Deployment()
    populations = [Population(players, False, context.rules.levels) for _ in range(2)]
    both = (simulated.context, context)
    for each, population in zip(both, populations, strict=True):
        write(each, population)
    meters = [Units(each.table.client) for each in both]
    progresses = [Progress(population) for population in populations]
    for size, times in batches.items():
        for _ in range(times):
            for each, progress in zip(both, progresses, strict=True):
                feed(each, progress.states(size))
            mine, theirs = (meter.taken() for meter in meters)
            if mine != theirs or not mine:
                raise NotTaken(
                    f"{size} updates cost {mine:g} write units on the simulated table, {theirs:g} on the emulator's"
                )


class Units:
    """Write units of a client's updates, as the responses name them."""

    def __init__(self, client: Any) -> None:
        self._answered: list[float] = []
        client.meta.events.register("provide-client-params.dynamodb.UpdateItem", self._ask)
        client.meta.events.register("after-call.dynamodb.UpdateItem", self._note)

    def taken(self) -> float:
        """Return the units since the last call."""
        units = sum(self._answered)
        self._answered.clear()
        return units

    def _ask(self, params: dict[str, Any], **_: Any) -> dict[str, Any]:
        return params | {"ReturnConsumedCapacity": "INDEXES"}

    def _note(self, parsed: dict[str, Any], **_: Any) -> None:
        if "ConsumedCapacity" in parsed:  # not in the response of a failed condition
            self._answered.append(float(parsed["ConsumedCapacity"]["CapacityUnits"]))


def _rate(stack: Stack, context: Context, players: int, rounds: int) -> Figure:
    """Measure states of all players at once, round after round, through the queue and the worker of this one board."""
    board = board_id(SCOPE, "all")
    population = Population(players, False, context.rules.levels)
    progress = Progress(population, now_ms=context.now_ms())
    _send(stack, context, board, [population.state(number) for number in range(players)])
    began = time.perf_counter()
    for _ in range(rounds):
        states = progress.states(players)
        _send(stack, context, board, states)
    seconds = time.perf_counter() - began
    _check(context, board, states)
    params = {"updates": players * rounds, "players": players, "on": LABEL}
    return Figure("board.updates_per_s", players * rounds / seconds, "updates/s", params)


def _send(stack: Stack, context: Context, board: str, states: list[BoardUpdate]) -> None:
    send_updates(context, [(board, state) for state in states])
    drain(stack)


def _check(context: Context, board: str, states: list[BoardUpdate]) -> None:
    """Check that entries and index hold the last states."""
    expected = {state.subject: (state.score, state.version) for state in states}
    found = {entry.subject: (entry.score, entry.version) for entry in scan_entries(context.table, board)}
    if found != expected:
        wrong = sum(found.get(subject) != state for subject, state in expected.items())
        raise NotTaken(
            f"the board has {len(found)} entries, {wrong} of {len(expected)} differ from the last states sent"
        )
    total = open_board(context, SCOPE, None)[1].total()
    if total != len(expected):
        raise NotTaken(f"the board counts {total} players, not {len(expected)}")
