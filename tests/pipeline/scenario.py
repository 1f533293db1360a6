"""One seeded run: traffic, faults, quiescence, judgement."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.services.operations.redrive_failures import redrive_failures
from tests.pipeline import judge
from tests.pipeline.history import History
from tests.pipeline.imports import are_imported, imports
from tests.pipeline.lag import ENDED, stop_queues
from tests.pipeline.plant import Plant, build, is_through_botocore, start
from tests.pipeline.traffic import Sent, traffic
from tests.seeds import Failed
from tests.simulated.faults import Faults
from tests.simulated.world import START_MS

EVENTS = 45
# Dedupe records without time live 90 days; a day more, and the same id is a new event.
LATER_S = 91 * 86_400
# In the midst of a week and month; and shortly before the ended ones close, 2026-06-01T00:57:30Z.
STARTS = (START_MS, 1_780_275_450_000)
# One of so many seeds has queues that lag across the end of periods, and rotations that close them.
LAGGING = 6
# Seeds need one.
MAX_REDRIVES = 3
Mutant = Callable[[], AbstractContextManager[Any]]


def run(seed: int, mutant: Mutant = nullcontext, faults: Faults | None = None) -> Plant:
    """Run one seed; raises Failed with what differs. The same seed does the same, step by step."""
    rng = random.Random(seed)
    plant = build(seed, faults or Faults.rough(), start_ms=STARTS[seed % 2], botocore=is_through_botocore(seed))
    history = History(plant)
    start(plant, rng)
    messages = traffic(rng, plant.world.now_ms(), EVENTS)
    if are_imported(seed):
        messages += imports(seed, plant.world.now_ms())
        messages.sort(key=lambda each: each.after_s)
    # Of the seeds that begin shortly before periods close.
    lags = seed % LAGGING == 1
    if lags:
        messages += stop_queues(plant, rng)
    with mutant():
        _send(plant, [messages[producer::3] for producer in range(3)])
        _settle(seed, plant)
        scene = judge.scene_of(plant)
        findings = judge.findings(scene, history.commits, messages) + judge.indexes(scene)
        if lags:
            findings += judge.archives(scene, ENDED)
        if not findings and seed % 3 == 0:
            findings = _much_later(seed, plant, history, messages)
    if findings:
        raise Failed(seed, findings, plant.world.trace)
    return plant


def _much_later(seed: int, plant: Plant, history: History, messages: list[Sent]) -> list[str]:
    """Send ids without time again after every dedupe record has expired: they are new events, swept or not.

    Imports are not: the record of an import has no expiry.
    """
    plant.world.sleep(LATER_S)
    history.new_era()
    again = [sent for sent in messages if judge.is_timeless(sent)]
    imported = imports(seed, plant.began_ms) if are_imported(seed) else []
    _send(plant, [[Sent(each.queue, each.body, 0) for each in (*again[:4], *imported)]])
    _settle(seed, plant)
    scene = judge.scene_of(plant)
    found = judge.findings(scene, history.commits, messages, later=again[:4], era=history.era)
    return found + judge.indexes(scene)


def _send(plant: Plant, shares: list[list[Sent]]) -> None:
    """Let producers send their shares while the workers run; one that dies is started again with what is left."""
    left = [deque(share) for share in shares]
    began = plant.world.now_ms()
    while any(left):
        for number, share in enumerate(left):
            if share:
                plant.world.spawn(f"producer-{number}", _produce, plant, share, began)
        plant.world.run()


def _settle(seed: int, plant: Plant) -> None:
    """Run to quiescence; then an operator sends on what gave up in the dead-letter queue, until nothing is left."""
    plant.world.run()
    for _ in range(MAX_REDRIVES):
        if not plant.world.queue(plant.urls["dead_letter"]).messages():
            return
        plant.gave_up |= judge.players_of(plant.world.queue(plant.urls["dead_letter"]).messages())
        redrive_all(plant)
        plant.world.run()
    raise Failed(seed, ["what gave up gives up again, however often it is sent on"], plant.world.trace)


def redrive_all(plant: Plant) -> None:
    """Run `laurel dlq redrive --all` on the dead-letter queue, from outside the run: no faults meet the operator."""
    redrive_failures(plant.context, "dead_letter", None)


def _produce(plant: Plant, share: deque[Sent], began_ms: int) -> None:
    """Send each message until the queue has taken it, unchanged, as a gateway does."""
    while share:
        wait = began_ms / 1000 + share[0].after_s - plant.world.now_ms() / 1000
        if wait > 0:
            plant.world.sleep(wait)
        try:
            plant.sqs.send_message(
                QueueUrl=plant.urls[share[0].queue], MessageBody=share[0].body, DelaySeconds=share[0].delay_s
            )
        except (ClientError, BotoCoreError):
            plant.world.sleep(1)
            continue
        share.popleft()
