"""One seeded run: score histories against writers that die and come back, then the judgement."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from functools import cache
from typing import Any
from unittest.mock import patch

from chalicelib.domain.boards import ties
from chalicelib.domain.rules import ruleset
from chalicelib.domain.rules.ruleset import Rules
from chalicelib.services.boards import rebuild_index, write_corrections, writer
from chalicelib.services.boards.worker import feed_messages
from chalicelib.store.boards import reads, tallies
from chalicelib.workers.sqs import failures, messages_of
from infra.settings import API_FUNCTION
from tests.boards import judge
from tests.boards.roster import Roster
from tests.boards.spoil import spoil
from tests.boards.traffic import STEPS, Traffic
from tests.boards.watch import Watch
from tests.pipeline.plant import RULESET, Plant, build
from tests.seeds import Failed
from tests.simulated.faults import Faults

Mutant = Callable[[], AbstractContextManager[Any]]
# So small that a few dozen players fill runs, volumes and intents, and that pages skip and turn back.
TIES = {"MARK_AT": 3, "RUN": 2, "RUNS": 2, "VOLUMES": 8}
INTENTS = {"MAX_UPDATES_PER_INTENT": 6, "MAX_INTENT_BYTES": 900}
REPAIRS = {"STEP_ENTRIES": 3, "SLICE_BYTES": 9_000, "TURN_MS": 0}
TIME_MS = (15_000, 40_000, 120_000, 120_000)
READS = {"NEAR_TOP": 2, "REACH": 6, "SECOND_QUERY": 1}


@cache
def rules() -> Rules:
    """Return the rules of the pipeline, with the month's board in two shards."""
    text = RULESET.read_text("utf-8")
    monthly = 'scope = "monthly"\nperiod = "monthly"\n'
    assert monthly in text
    return ruleset.parse(text.replace(monthly, monthly + "shards = 2\n").encode(), RULESET.name)


def run(seed: int, mutant: Mutant = nullcontext, faults: Faults | None = None) -> Plant:
    """Run one seed; raises Failed with what differs. The same seed does the same, step by step."""
    rng = random.Random(seed)
    # Slow calls let writers overlap, fast ones let them follow each other.
    latency = rng.choice(((1, 8), (1, 60)))
    in_parallel, botocore = rng.random() < 0.7, rng.random() > 0.75
    plant = build(seed, faults or replace(Faults.rough(), latency_ms=latency), rules(), botocore=botocore)
    if in_parallel:
        plant.context.pool = plant.world.executor()
    roster = Roster(plant, rng)
    watch, traffic = Watch(plant), Traffic(plant, roster, rng)
    _start(plant, rng)
    with small_limits(), mutant():
        for name, role in (("play", ""), ("give_orders", ""), ("read", API_FUNCTION)):
            plant.world.spawn(name, getattr(traffic, name), role=role)
        plant.world.run()
        if rng.random() < 0.5:
            spoil(plant, roster, traffic, watch)
            plant.world.spawn("play", traffic.play, STEPS // 2)
            plant.world.run()
        traffic.check_writers()
        plant.world.run()
        found = judge.findings(plant, roster, traffic, watch)
    if found:
        raise Failed(seed, found, plant.world.trace)
    return plant


@contextmanager
def small_limits() -> Iterator[None]:
    with (
        patch.multiple(ties, **TIES),
        patch.multiple(writer, **INTENTS),
        patch.multiple(reads, **READS),
        patch.multiple(rebuild_index, **REPAIRS),
        patch.object(write_corrections, "MAX_PART_BYTES", 60),
        patch.object(tallies, "MAX_MEMBERS", 2),
    ):
        yield


def _start(plant: Plant, rng: random.Random) -> None:
    """Start the boards' own queue, and one that keeps neither order nor groups.

    Both feed writers that outlive their visibility timeout.
    """
    plant.urls["wild"] = plant.world.create_queue("laurel-wild")

    def handler(event: dict[str, Any], _: Any) -> dict[str, Any]:
        # Now and then too little for a step of repair, or for anything but a check.
        context = plant.context.within(plant.world.rng.choice(TIME_MS))
        fed = feed_messages(context, [(message.id, message.body) for message in messages_of(event)])
        return failures(fed.failed)

    for name in ("boards", "wild"):
        plant.sources[name] = plant.world.event_source(
            plant.urls[name],
            handler,
            batch_size=rng.choice((1, 3, 10)),
            concurrency=3,
            visibility_timeout=rng.choice((5, 20, 60)),
            role="boards",
        )
