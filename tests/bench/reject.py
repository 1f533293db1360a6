"""reject.seconds: an invocation whose batch mixes valid messages with ones that can never be valid.

The simulated clock adds up all calls, also those that production makes in parallel: the figure is an upper bound.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator

from chalicelib.domain.rules import ruleset
from chalicelib.services.events.messages import Message
from chalicelib.services.progress.process_messages import Report, process_messages
from chalicelib.settings import RULESETS
from chalicelib.store.progress.players import load_players
from tests.bench.figures import Figure, NotTaken
from tests.bench.traffic import request
from tests.pipeline.plant import Plant, build
from tests.simulated import Faults
from tests.simulated.scheduler import Actor

NAME = "reject.seconds"
BAD, GOOD = 20, 80
EVENTS_EACH = 500
# A call to DynamoDB from Lambda takes single-digit milliseconds.
LATENCY_MS = 5
TIMEOUT_S = 60


def seconds(bad: int = BAD, good: int = GOOD, events_each: int = EVENTS_EACH) -> Iterator[Figure]:
    """Measure the invocation on the virtual clock, for bodies of 1.5 KB and of the largest size that a source takes.

    The large bodies do not compress. Every good event must be applied in it, and every message acknowledged.
    """
    rng = random.Random(1)
    small, large = [{}] * events_each, [rng.randbytes(250).hex() for _ in range(events_each)]
    for elements in (small, large):
        yield _seconds(bad, good, json.dumps(elements, separators=(",", ":")))


def _seconds(bad: int, good: int, body: str) -> Figure:
    plant = build(
        1, Faults(latency_ms=(LATENCY_MS, LATENCY_MS)), ruleset.load(RULESETS / "default.toml"), botocore=True
    )
    plant.context.pool = plant.world.executor()
    now_ms = plant.world.now_ms()
    bodies = [body] * bad + [request(f"player-{number}", number, now_ms) for number in range(good)]
    # The order of arrival: one bad message after each few good ones.
    bodies = [bodies[place * 37 % len(bodies)] for place in range(len(bodies))]
    messages = [Message(f"m{number}", f"r{number}", body, now_ms) for number, body in enumerate(bodies)]
    actor: Actor = plant.world.spawn(
        "progress", lambda: process_messages(plant.context.within(TIMEOUT_S * 1000), "events", messages)
    )
    plant.world.run()
    took_ms = plant.world.now_ms() - now_ms
    report: Report = actor.result
    _check(plant, good)
    if report.failed:
        raise NotTaken(f"{len(report.failed)} messages were not acknowledged: {next(iter(report.failed.values()))!r}")
    return Figure(
        NAME,
        took_ms / 1000,
        "s",
        {
            "bad": bad,
            "invalid_events": sum(report.rejected.values()),
            "body_bytes": len(body),
            "good": good,
            "applied": sum(len(outcome.applied) for outcome in report.outcomes),
            "acknowledged": len(messages) - len(report.failed),
            "row_writes": plant.world.calls["UpdateItem"],
            "latency_ms": LATENCY_MS,
        },
    )


def _check(plant: Plant, good: int) -> None:
    plant.context.table.client = plant.world.attach(plant.context.table.client)
    players = load_players(plant.context.table, [f"player-{number}" for number in range(good)])
    counted = sum(player.count("request") for player in players.values())
    if counted != good:
        raise NotTaken(f"{counted} of {good} good events were applied")
