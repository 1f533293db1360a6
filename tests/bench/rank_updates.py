"""board.update.write_units: the cost of board updates: entries, index, nodes and log."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping

import msgspec

from chalicelib.domain.progress.scores import BoardUpdate
from chalicelib.services.boards.messages import BoardMessage
from chalicelib.services.boards.worker import feed_messages
from chalicelib.services.context import Context
from chalicelib.services.progress.publish_scores import MAX_UPDATES_PER_MESSAGE
from tests.bench.board import BOARD, Population
from tests.bench.deployment import Deployment
from tests.bench.figures import Figure, NotTaken
from tests.simulated.world import START_MS

# Repetitions of each, so that chance has little effect.
BATCHES = {1: 500, 10: 50, 500: 4, 2000: 2}
GAIN = (1, 50)  # XP of the events of one batch of a player
STEP_MS = 7


class Progress:
    """Players of a population who gain XP, batch after batch; no two batches have the same moment."""

    def __init__(self, population: Population, seed: int = 5, now_ms: int = START_MS) -> None:
        self.population, self.rng = population, random.Random(seed)
        self.now_ms, self.batches = now_ms, 0

    def states(self, size: int) -> list[BoardUpdate]:
        """Return new states of so many random players."""
        self.batches += 1
        states = []
        for number in self.rng.sample(range(len(self.population)), size):
            self.now_ms += STEP_MS
            self.population.scores[number] += self.rng.randint(*GAIN)
            state = self.population.state(number)
            states.append(msgspec.structs.replace(state, version=state.version + self.batches, reached_at=self.now_ms))
        return states


def write_units(
    deployment: Deployment, population: Population, batches: Mapping[int, int] = BATCHES
) -> Iterator[Figure]:
    """Count the units of all writes of the `boards` worker, per update, for several numbers of concurrent updates."""
    progress = Progress(population)
    for size, times in batches.items():
        if size <= len(population):
            units = [batch_units(deployment, progress.states(size)) for _ in range(times)]
            params = {"players": len(population), "ties": population.ties, "batch": size, "batches": times}
            yield Figure("board.update.write_units", sum(units) / (size * times), "write units", params)


def batch_units(deployment: Deployment, states: list[BoardUpdate]) -> float:
    deployment.meter.reset()
    feed(deployment.context, states)
    deployment.tape.record()
    return float(deployment.meter.write_units)


def feed(context: Context, states: list[BoardUpdate]) -> None:
    """Run one invocation of the worker, with messages as `send_updates` packs them."""
    bodies = []
    for start in range(0, len(states), MAX_UPDATES_PER_MESSAGE):
        raw = [msgspec.Raw(msgspec.json.encode(state)) for state in states[start : start + MAX_UPDATES_PER_MESSAGE]]
        bodies.append(msgspec.json.encode(BoardMessage(BOARD, BOARD, raw)).decode())
    fed = feed_messages(context, [(f"m{place}", body) for place, body in enumerate(bodies)])
    if fed.failed or fed.set_aside or fed.written != len(states):
        raise NotTaken(f"{fed.written} of {len(states)} states were written: {fed.failed or fed.set_aside}")
