"""progress.write_units_per_event and progress.cpu_ms_per_1000_events: the progress worker by itself."""

from __future__ import annotations

import contextlib
import os
import statistics
import time
from collections.abc import Iterator, Sequence
from typing import Any
from unittest.mock import patch

from chalicelib import observability, wiring
from chalicelib.workers import progress
from tests.bench.deployment import Deployment
from tests.bench.figures import Figure, NotTaken
from tests.bench.traffic import lambda_event, request

EVENTS = 1000
BATCH = 100  # messages that a production batch holds at most
RUNS = 9
THREADS = 8
MINUTE_S = 60
EVENTS_PER_PLAYER = (1, 10)


class LambdaContext:
    """What handlers ask of the Lambda context."""

    function_name = "laurel-bench-progress"
    aws_request_id = "bench"

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


@contextlib.contextmanager
def handler(deployment: Deployment) -> Iterator[Any]:
    """The worker's own entry, wired to the deployment; its log line and metrics are written to nowhere."""
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        log: Any = observability.logger.registered_handler
        before = log.setStream(nowhere)
        try:
            with patch.object(wiring, "context", lambda: deployment.context):
                yield lambda event: _invoke(event)
        finally:
            if before is not None:
                log.setStream(before)


def _invoke(event: dict[str, Any]) -> None:
    answer = progress.progress(event, LambdaContext())
    if answer != {"batchItemFailures": []}:
        raise NotTaken(f"the worker failed messages: {answer}")


def batches(events_per_player: int, now_ms: int, events: int = EVENTS) -> list[list[str]]:
    """Messages of one event each, batch by batch; all events of a player in one batch and one minute."""
    bodies = [
        request(f"player-{number // events_per_player:04d}", number, now_ms - 900 + number % events_per_player)
        for number in range(events)
    ]
    return [bodies[start : start + BATCH] for start in range(0, events, BATCH)]


def acquaint(deployment: Deployment, run: Any, players: Sequence[str]) -> None:
    """Let the players exist, active today by the same model, and the next minute begin: nothing is new after it."""
    world = deployment.world
    bodies = [request(player, 10**9 + place, world.now_ms() - 100) for place, player in enumerate(players)]
    for start in range(0, len(bodies), BATCH):
        run(lambda_event(bodies[start : start + BATCH], world.now_ms()))
    world.sleep(MINUTE_S)


def recorded(deployment: Deployment, run: Any, events_per_player: int, events: int = EVENTS) -> list[dict[str, Any]]:
    """Lambda events just applied in the world: their answers are on the tape, their units on the meter."""
    acquaint(deployment, run, [f"player-{number:04d}" for number in range(events // events_per_player)])
    now_ms = deployment.world.now_ms()
    prepared = [lambda_event(bodies, now_ms) for bodies in batches(events_per_player, now_ms, events)]
    deployment.tape.record()
    deployment.meter.reset()
    for event in prepared:
        run(event)
    return prepared


def write_units(events: int = 200) -> Iterator[Figure]:
    """Units of every write that the worker makes for known players; boards are written by another."""
    for events_per_player in EVENTS_PER_PLAYER:
        deployment = Deployment()
        with handler(deployment) as run:
            recorded(deployment, run, events_per_player, events)
        yield Figure(
            "progress.write_units_per_event",
            deployment.meter.write_units / events,
            "write units",
            {"events_per_player": events_per_player, "read_units_per_event": deployment.meter.read_units / events},
        )


def cpu(runs: int = RUNS, events: int = EVENTS) -> Iterator[Figure]:
    """CPU of this process while the worker's handler takes 1,000 events, every answer canned."""
    for events_per_player in EVENTS_PER_PLAYER:
        deployment = Deployment(threads=THREADS)
        with handler(deployment) as run:
            prepared = recorded(deployment, run, events_per_player, events)
            taken = [_cpu_ms(deployment, run, prepared) for _ in range(runs + 1)][1:]
        yield Figure(
            "progress.cpu_ms_per_1000_events",
            statistics.median(taken) * 1000 / events,
            "ms",
            {
                "events_per_player": events_per_player,
                "players": events // events_per_player,
                "batch": BATCH,
                "runs": runs,
                "least": round(min(taken), 1),
            },
        )


def _cpu_ms(deployment: Deployment, run: Any, prepared: Sequence[dict[str, Any]]) -> float:
    deployment.tape.play()
    began = time.process_time()
    for event in prepared:
        run(event)
    spent = (time.process_time() - began) * 1000
    if not deployment.tape.played_out():
        raise NotTaken("the worker made fewer calls than when the answers were recorded")
    return spent
