"""Figures of the progress worker by itself.

They are progress.write_units_per_event, progress.cpu_ms_per_1000_events and progress.cpu_of_long_streaks.
"""

from __future__ import annotations

import contextlib
import os
import statistics
import time
from collections.abc import Iterator, Sequence
from typing import Any
from unittest.mock import patch

from chalicelib import observability, wiring
from chalicelib.domain.core.periods import day_of
from chalicelib.domain.progress.streaks import Streak
from chalicelib.store.progress.player_writes import add_player
from chalicelib.store.progress.players import load_player
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
# The cost of a loyal player's event is compared with that of a new player's.
STREAK_DAYS = (1, 1095)


class LambdaContext:
    """The part of the Lambda context that handlers use."""

    function_name = "laurel-bench-progress"
    aws_request_id = "bench"

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


@contextlib.contextmanager
def handler(deployment: Deployment) -> Iterator[Any]:
    """Yield the worker's own entry, wired to the deployment; its log line and metrics are dropped."""
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
    """Return messages of one event each, batch by batch; all events of a player are in one batch and one minute."""
    bodies = [
        request(f"player-{number // events_per_player:04d}", number, now_ms - 900 + number % events_per_player)
        for number in range(events)
    ]
    return [bodies[start : start + BATCH] for start in range(0, events, BATCH)]


def acquaint(deployment: Deployment, run: Any, players: Sequence[str]) -> None:
    """Create the players, active today with the same model, and begin the next minute: later events add nothing new."""
    world = deployment.world
    bodies = [request(player, 10**9 + place, world.now_ms() - 100) for place, player in enumerate(players)]
    for start in range(0, len(bodies), BATCH):
        run(lambda_event(bodies[start : start + BATCH], world.now_ms()))
    world.sleep(MINUTE_S)


def lengthen(deployment: Deployment, players: Sequence[str], streak_days: int) -> None:
    """Lengthen the streaks of known players, active today, to so many days, with their milestones."""
    table, rules = deployment.context.table, deployment.context.rules
    today = day_of(deployment.world.now_ms())
    long = Streak()
    for day in range(today - streak_days + 1, today + 1):
        long.add(day)
        long.reach(day, rules.milestones)
    for each in players:
        player = load_player(table, each)
        if player is None or player.streak.current(today) != 1:
            raise NotTaken(f"{each} was to be active today, for the first time")
        player.streak, player.changed = long, {"streak"}
        player.stats["daysActive"] = streak_days
        tx = table.transaction()
        add_player(tx, player, rules.version)
        tx.commit()


def recorded(
    deployment: Deployment, run: Any, events_per_player: int, events: int = EVENTS, streak_days: int = 1
) -> list[dict[str, Any]]:
    """Apply Lambda events in the world: their responses are on the tape, their units on the meter. Return them."""
    players = [f"player-{number:04d}" for number in range(events // events_per_player)]
    acquaint(deployment, run, players)
    if streak_days > 1:
        lengthen(deployment, players, streak_days)
    now_ms = deployment.world.now_ms()
    prepared = [lambda_event(bodies, now_ms) for bodies in batches(events_per_player, now_ms, events)]
    deployment.tape.record()
    deployment.meter.reset()
    for event in prepared:
        run(event)
    return prepared


def write_units(events: int = 200) -> Iterator[Figure]:
    """Count the units of all writes of the worker for known players; another worker writes boards."""
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
    """Measure the CPU of this process while the worker's handler takes 1,000 events, with recorded responses.

    Players active since today and players active for three years alternate, so that both have the same noise.
    """
    for events_per_player in EVENTS_PER_PLAYER:
        circumstances: dict[str, Any] = {"events_per_player": events_per_player, "players": events // events_per_player}
        circumstances |= {"batch": BATCH, "runs": runs}
        taken: dict[int, list[float]] = {days: [] for days in STREAK_DAYS}
        prepared = {days: _prepared(events_per_player, events, days) for days in STREAK_DAYS}
        for _ in range(runs + 1):
            for days, (deployment, lambda_events) in prepared.items():
                with handler(deployment) as run:
                    taken[days].append(_cpu_ms(deployment, run, lambda_events))
        for days, each in taken.items():
            warm = each[1:]
            value = statistics.median(warm) * 1000 / events
            more = {"streak_days": days, "least": round(min(warm), 1)}
            yield Figure("progress.cpu_ms_per_1000_events", value, "ms", circumstances | more)
        short, long = (taken[days][1:] for days in STREAK_DAYS)
        ratios = [after / before for before, after in zip(short, long, strict=True)]
        more = {"streak_days": STREAK_DAYS[1], "against": STREAK_DAYS[0]}
        yield Figure("progress.cpu_of_long_streaks", statistics.median(ratios), "x", circumstances | more)


def _prepared(events_per_player: int, events: int, streak_days: int) -> tuple[Deployment, list[dict[str, Any]]]:
    deployment = Deployment(threads=THREADS)
    with handler(deployment) as run:
        return deployment, recorded(deployment, run, events_per_player, events, streak_days)


def _cpu_ms(deployment: Deployment, run: Any, prepared: Sequence[dict[str, Any]]) -> float:
    deployment.tape.play()
    began = time.process_time()
    for event in prepared:
        run(event)
    spent = (time.process_time() - began) * 1000
    if not deployment.tape.played_out():
        raise NotTaken("the worker made fewer calls than when the answers were recorded")
    return spent
