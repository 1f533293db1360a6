"""A Sunday that is over, with queues that lag and runs of `rotate`: for tests of freezes that wait."""

from __future__ import annotations

import json
import random
from dataclasses import replace

from chalicelib.domain.rules.ruleset import Rules
from chalicelib.services.boards.rotate_boards import rotate_boards
from chalicelib.services.boards.rotation import Rotation
from chalicelib.services.events.backlog import note_received
from chalicelib.store.boards.redo_log import read_log
from tests.pipeline import plant as plants
from tests.pipeline.plant import Plant
from tests.services.boards.test_rotate_boards import at, play, set_clock
from tests.services.progress.test_apply_events import event

WEEK, DAY = "weekly#2026-W20", "daily#2026-05-17"
BOUND = at("2026-05-18T01:00:00")
MINUTE, HOUR = 60_000, 3_600_000
AGAIN = "held: the queues are checked again in a minute"


def after_sunday(rules: Rules) -> Plant:
    """Make a deployment with events of Sunday, on Monday ten minutes before the bound of that day and its week."""
    plant = plants.build(1, chosen=rules, start_ms=at("2026-05-17T12:00:00"))
    plants.start(plant, random.Random(1))
    play(plant, ada=1)
    rotate_boards(plant.context)
    set_clock(plant, "2026-05-18T00:50:00")
    return plant


def send(plant: Plant, queue: str = "events", **requests: int) -> None:
    """Send so many requests of each player on Sunday, now."""
    for player, number in requests.items():
        for each in range(number):
            raw = event(plant, each, player, time="2026-05-17T23:00:00Z", id=f"{player}-{each}")
            plant.sqs.send_message(QueueUrl=plant.urls[queue], MessageBody=json.dumps(raw))


def halt(plant: Plant, queue: str = "events") -> None:
    plant.sources[queue].concurrency = 0


def resume(plant: Plant, queue: str = "events") -> None:
    plant.sources[queue].concurrency = 2


def past_bound(plant: Plant, seconds: float = 1) -> None:
    plant.world.sleep((BOUND - plant.world.now_ms()) / 1000 + seconds)


def rotate_after(plant: Plant, after_s: float = 61) -> Rotation:
    """Run `rotate`, some time after the last run."""
    plant.world.sleep(after_s)
    rotation = rotate_boards(plant.context)
    assert rotation.failed == {}
    return rotation


def receive(plant: Plant, oldest_ms: int, queue: str = "events") -> None:
    """Let a worker receive a batch whose oldest message was sent then."""
    note_received(replace(plant.context, noted={}), queue, oldest_ms)


def frozen(plant: Plant, board: str = WEEK) -> int | None:
    return read_log(plant.context.table, board).frozen


def close(plant: Plant) -> None:
    for _ in range(6):
        plant.world.run()
        if not rotate_after(plant, 300).waiting:
            return
    raise AssertionError("something still waits")
