"""progress.retries_per_write: sixteen concurrent workers, four of five events for one player."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

from chalicelib.domain.rules import ruleset
from chalicelib.services.progress.process_messages import process_messages
from chalicelib.settings import RULESETS
from chalicelib.store.progress.players import load_players
from chalicelib.workers.sqs import failures, messages_of
from tests.bench.figures import Figure, NotTaken
from tests.bench.traffic import request
from tests.pipeline.plant import Plant, build
from tests.simulated import Faults

EVENTS = 1000
WORKERS = 16
BATCH = 100
HOT_SHARE = 0.8
OTHERS = 40
SEEDS = (1, 2)
# A call to DynamoDB from Lambda takes single-digit milliseconds, a transaction up to twice that.
LATENCY_MS = (4, 16)


def retries(seeds: tuple[int, ...] = SEEDS, events: int = EVENTS) -> Iterator[Figure]:
    """Count lost races per committed write, over several interleavings; every event must have been applied once."""
    lost_races = writes = returned = 0
    for seed in seeds:
        plant, sent = _run(seed, events)
        _check(plant, sent)
        outcomes = Counter(outcome for _, _, what, _, outcome in plant.world.trace if what == "TransactWriteItems")
        writes += outcomes["ok"]
        lost_races += sum(outcomes.values()) - outcomes["ok"]
        returned += plant.sources["events"].failed
    yield Figure(
        "progress.retries_per_write",
        lost_races / writes,
        "retries",
        {
            "workers": WORKERS,
            "hot_share": HOT_SHARE,
            "events": events * len(seeds),
            "writes": writes,
            "messages_sent_back": returned,
            "lost": 0,
            "doubled": 0,
        },
    )


def _run(seed: int, events: int) -> tuple[Plant, Counter[str]]:
    """Let all workers process a backlog at once until the queue is empty. Return plant and events sent by player."""
    rules = ruleset.load(RULESETS / "default.toml")
    plant = build(seed, Faults(latency_ms=LATENCY_MS), rules, botocore=True)
    rng, world = random.Random(seed), plant.world
    plant.context.pool = world.executor()
    sent: Counter[str] = Counter()
    for number in range(events):
        player = "hot" if rng.random() < HOT_SHARE else f"player-{rng.randrange(OTHERS)}"
        sent[player] += 1
        body = request(player, number, world.now_ms() - rng.randrange(60_000))
        plant.sqs.send_message(QueueUrl=plant.urls["events"], MessageBody=body)

    def handler(event: dict[str, Any], lambda_context: Any) -> dict[str, Any]:
        context = plant.context.within(lambda_context.get_remaining_time_in_millis())
        return failures(process_messages(context, "events", messages_of(event)).failed)

    plant.sources["events"] = world.event_source(
        plant.urls["events"], handler, batch_size=BATCH, concurrency=WORKERS, timeout_s=60.0
    )
    world.run()
    return plant, sent


def _check(plant: Plant, sent: Counter[str]) -> None:
    left = {name: len(plant.world.queue(plant.urls[name]).messages()) for name in ("events", "dead_letter", "rejected")}
    if any(left.values()):
        raise NotTaken(f"messages were left: {left}")
    plant.context.table.client = plant.world.attach(plant.context.table.client)
    players = load_players(plant.context.table, list(sent))
    counted = {name: player.count("request") for name, player in players.items()}
    if counted != dict(sent):
        wrong = {name: (counted.get(name, 0), number) for name, number in sent.items() if counted.get(name) != number}
        raise NotTaken(f"events were lost or doubled; player: (counted, sent): {wrong}")
