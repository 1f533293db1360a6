"""Queues that lag by more than the grace across the end of a day, a week and a month, while rotations run."""

from __future__ import annotations

import json
import random
from functools import partial

from chalicelib.domain.core.periods import moment_name
from chalicelib.domain.events.backlog import CAP_MS
from chalicelib.services.boards.rotate_boards import rotate_boards
from chalicelib.services.boards.rotation import Step
from infra.settings import QUEUE
from tests.pipeline.plant import TABLE, Plant
from tests.pipeline.traffic import Sent

# What ended in the night of STARTS[1] in `scenario`.
ENDED = ("daily#2026-05-31", "weekly#2026-W22", "monthly#2026-05")
# From two minutes before the bound: the lag is over long before the six hours that a freeze waits at most.
LAG_S = (3_900, 7_200)
# A message may be hidden several times, for six minutes each, before the last board is closed.
CLOSED_S = 3_000
# How often rotations run after that, if a board is still open.
LATER_EVERY_MS = 300_000
# Of the stream that keeps `events` from ever being empty: each message is delayed for longer than the next one takes.
STREAM_S, STREAM_EVERY_S, STREAM_DELAY_S = 900, 30, 50
TIMEOUT_MS = 300_000


def stop_queues(plant: Plant, rng: random.Random) -> list[Sent]:
    """Stop `events`, and maybe other queues, for more than an hour from now on, and run rotations until long after.

    It returns the other messages sent: in every other run a stream that begins before the lag is over.
    """
    scheduler, now_ms = plant.world.scheduler, plant.world.now_ms()
    over_s = rng.uniform(*LAG_S)
    for name in ("events", *rng.sample(("own", "backfill"), rng.randint(0, 2))):
        source = plant.sources[name]
        source.queue.configure({"VisibilityTimeout": str(QUEUE[name].visibility_s)})
        scheduler.at(now_ms + round(1000 * over_s), partial(setattr, source, "concurrency", source.concurrency))
        source.concurrency = 0
    for number, moment_s in enumerate(_moments(rng, over_s)):
        scheduler.at(now_ms + round(1000 * moment_s), partial(_start, plant, f"rotate-{number}"))
    scheduler.at(now_ms + round(1000 * (over_s + CLOSED_S)), partial(_rotate_until_closed, plant, 0))
    return _stream(now_ms, over_s) if rng.random() < 0.5 else []


def _moments(rng: random.Random, over_s: float) -> list[float]:
    """Return the moments of rotations, in seconds from now: as rarely as a schedule that fails.

    Once the lag is over, they are manual, most of them in the minute in which the queues' numbers are old.
    """
    found: list[float] = []
    moment_s = 0.0
    for until_s, every_s in ((over_s, (5, 1200)), (over_s + 60, (1, 20)), (over_s + CLOSED_S, (5, 120))):
        while (following := moment_s + rng.uniform(*every_s)) < until_s:
            moment_s = following
            found.append(moment_s)
        moment_s = until_s
    return found


def _stream(now_ms: int, over_s: float) -> list[Sent]:
    moments = [over_s - STREAM_DELAY_S + each for each in range(0, STREAM_S, STREAM_EVERY_S)]
    return [
        Sent("events", json.dumps(_request(number, now_ms + round(1000 * after_s))), after_s, STREAM_DELAY_S)
        for number, after_s in enumerate(moments)
    ]


def _request(number: int, at_ms: int) -> dict[str, object]:
    return {
        "specversion": "1.0",
        "id": f"stream-{number}",
        "source": "gateway/eu-1",
        "type": "request.completed",
        "subject": "player-0",
        "time": moment_name(at_ms),
        "data": {"provider": "openai", "model": "gpt"},
    }


def _is_closed(plant: Plant) -> bool:
    rows = plant.world.dynamodb.tables[TABLE].rows
    found = [rows.get((f"ARCHIVE#{scope}", period)) for scope, _, period in (name.partition("#") for name in ENDED)]
    return all(row is not None and "done" in row[0] for row in found)


def _rotate_until_closed(plant: Plant, number: int) -> None:
    """Rotate every five minutes until all that ended is closed, up to the cap of a backlog."""
    if _is_closed(plant) or number * LATER_EVERY_MS > CAP_MS:
        return
    _start(plant, f"rotate-later-{number}")
    following = partial(_rotate_until_closed, plant, number + 1)
    plant.world.scheduler.at(plant.world.now_ms() + LATER_EVERY_MS, following)


def _start(plant: Plant, name: str) -> None:
    plant.world.spawn(name, _rotate, plant, role="rotate")


def _rotate(plant: Plant) -> None:
    """Run one invocation unless all ended boards are closed; count its results as faults are."""
    if _is_closed(plant):
        return
    rotation = rotate_boards(plant.context.within(TIMEOUT_MS))
    steps = {rotation.steps.get(name) for name in ENDED}
    if Step.HELD in steps:
        plant.world.count("freeze_held")
    if Step.FREEZING in steps and plant.world.queue(plant.urls["events"]).messages():
        plant.world.count("freeze_of_a_busy_queue")
