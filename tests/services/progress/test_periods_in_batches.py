"""Boards equal the player's own days, however a batch lies across the end of a day, week or month."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.domain.core.periods import ENDING, day_of, moment_name, period_of
from chalicelib.domain.progress import scores
from chalicelib.domain.progress.player import Player, months_to_load
from chalicelib.services.boards.worker import feed_messages
from chalicelib.store.boards import keys
from chalicelib.store.progress.player_reads import load_days
from chalicelib.store.progress.players import load_player
from chalicelib.store.progress.records import RecordsToLoad
from tests.pipeline import plant as plants
from tests.pipeline.plant import Plant
from tests.services.progress.test_apply_events import event, process
from tests.simulated.faults import Faults

DAY_S = 86_400


@pytest.fixture
def plant() -> Plant:
    return plants.build(1, Faults())


def set_clock(plant: Plant, when: str) -> None:
    plant.world.sleep(datetime.fromisoformat(when).replace(tzinfo=UTC).timestamp() - plant.context.now_ms() / 1000)


def apply(plant: Plant, *events: Any) -> None:
    assert not process(plant, *events).failed
    queue = plant.world.queue(plant.urls["boards"])
    assert not feed_messages(plant.context, [(each.id, each.body) for each in queue.messages()]).failed


def on_boards(plant: Plant, player: str = "ada") -> dict[str, int]:
    today = day_of(plant.context.now_ms())
    names = {"global#all"}
    for day in range(today - 200, today + 1):
        names |= {f"{kind}#{period_of(kind, day).id}" for kind in ENDING}
    found = {}
    for name in names:
        for entry in plant.context.table.query_all(keys.board(name)):
            if entry["sk"]["S"] == f"ENTRY#player:{player}" and int(entry["score"]["N"]):
                found[name] = int(entry["score"]["N"])
    return found


def in_totals(plant: Plant, player: str = "ada") -> dict[str, int]:
    """Return the same scores, summed from the figures of days that count on each board."""
    read = load_player(plant.context.table, player)
    assert read is not None
    today = day_of(plant.context.now_ms())
    load_days(plant.context.table, read, range(today - 200, today + 1))
    sums = {"global#all": read.xp}
    for day in range(today - 200, today + 1):
        figures = read.day_stats_of(day)
        for kind in ENDING:
            name = f"{kind}#{period_of(kind, day).id}"
            sums[name] = sums.get(name, 0) + figures.on_board(kind)[0]
    return {name: score for name, score in sums.items() if score > 0}


@pytest.mark.parametrize(
    "now", ["2026-05-25T00:05:00", "2026-06-01T00:05:00", "2026-07-01T00:05:00", "2027-01-01T00:05:00"]
)
def test_a_batch_across_the_end_of_a_week_or_month_keeps_the_one_that_ended(plant: Plant, now: str) -> None:
    set_clock(plant, now)
    apply(plant, event(plant, 1, ago_s=2 * DAY_S))
    apply(plant, event(plant, 2, ago_s=600))
    apply(plant, event(plant, 3, ago_s=500), event(plant, 4, ago_s=10))
    assert on_boards(plant) == in_totals(plant)


def test_unread_months_of_a_period_that_ends_are_noticed(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    def past_months(self: RecordsToLoad, player: Player) -> list[int]:
        return months_to_load(day for day in self.days if day < player.day)

    monkeypatch.setattr(RecordsToLoad, "past_months", past_months)
    # A new level updates open boards from days that are read for it.
    monkeypatch.setattr(scores, "open_scores", lambda *_, **__: {})
    with pytest.raises(AssertionError):
        test_a_batch_across_the_end_of_a_week_or_month_keeps_the_one_that_ended(plant, "2026-06-01T00:05:00")


def test_a_batch_that_leaves_the_open_day_and_then_its_week_keeps_both(plant: Plant) -> None:
    set_clock(plant, "2026-06-03T12:00:00")
    apply(plant, event(plant, 1, ago_s=6.9 * DAY_S), event(plant, 2, ago_s=6 * DAY_S))
    apply(plant, event(plant, 3, ago_s=5 * DAY_S), event(plant, 4, ago_s=2 * DAY_S), event(plant, 5))
    assert on_boards(plant) == in_totals(plant)


def test_a_repeat_of_a_keyed_award_on_another_day_leaves_the_first_days_boards(plant: Plant) -> None:
    set_clock(plant, "2026-06-03T12:00:00")

    def award(ago_s: float) -> dict[str, Any]:
        properties = {"username": "ada", "points": 40, "reason": "found a bug", "key": "bug-77"}
        time = moment_name(plant.context.now_ms() - round(ago_s * 1000))
        return {"event": "award", "properties": properties, "timestamp": time}

    apply(plant, event(plant, 1, ago_s=5.5 * DAY_S), award(5 * DAY_S))
    apply(plant, event(plant, 2))
    apply(plant, award(0))
    assert on_boards(plant) == in_totals(plant)


def test_an_event_without_time_sent_again_on_another_day_leaves_the_first_days_boards(plant: Plant) -> None:
    timeless = {"type": "request.completed", "apiKeyId": "ada", "id": "r1"}
    apply(plant, event(plant, 1, ago_s=60), timeless)
    set_clock(plant, "2026-06-03T12:00:00")
    apply(plant, event(plant, 2))
    apply(plant, timeless)
    assert on_boards(plant) == in_totals(plant)


@pytest.mark.parametrize("seed", range(8))
def test_boards_equal_the_days_after_any_batches(plant: Plant, seed: int) -> None:
    rng = random.Random(seed)
    set_clock(plant, rng.choice(("2026-05-31T23:50:00", "2026-06-28T23:00:00", "2026-12-30T10:00:00")))
    sent: list[dict[str, Any]] = []
    for _ in range(rng.randint(3, 12)):
        batch = [rng.choice(sent) if sent and rng.random() < 0.25 else _any_event(plant, rng) for _ in range(4)]
        sent += batch
        apply(plant, *batch[: rng.randint(1, 4)])
        plant.world.sleep(rng.choice((1, 1800, DAY_S, 3 * DAY_S, 9 * DAY_S)))
    assert on_boards(plant) == in_totals(plant)


def _any_event(plant: Plant, rng: random.Random) -> dict[str, Any]:
    number, ago_s = rng.randrange(1000), rng.choice((0, 60, 3600, DAY_S, 2 * DAY_S, 4 * DAY_S, 6.8 * DAY_S))
    if rng.random() < 0.2:
        return {"type": "request.completed", "apiKeyId": "ada", "id": f"t{number % 4}"}
    if rng.random() < 0.3:
        time = moment_name(plant.context.now_ms() - round(ago_s * 1000))
        properties = {"username": "ada", "points": rng.randint(-60, 90), "reason": "x", "key": f"k{number % 5}"}
        return {"event": "award", "properties": properties, "timestamp": time}
    return event(plant, number, ago_s=ago_s)
