"""Workers note how old what they receive is: rarely, and only while a freeze may wait for it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.services.events import backlog
from chalicelib.services.events.backlog import note_received
from chalicelib.store.core.table import StoreError
from tests.pipeline.plant import TABLE, Plant
from tests.services.boards.test_rotate_boards import set_clock
from tests.services.events.backlog_steps import BOUND, HOUR, past_bound
from tests.services.progress.test_apply_events import event, process


def noted(plant: Plant) -> dict[str, int]:
    """Return minute -> the oldest message of `events`, as noted."""
    rows = plant.world.dynamodb.tables[TABLE].rows
    return {
        sk: int(row[0]["least"]["N"]) - BOUND
        for (pk, sk), row in rows.items()
        if pk == "RECEIVED#events" and row is not None
    }


def test_workers_note_the_oldest_message_of_a_minute(plant: Plant) -> None:
    past_bound(plant)
    first, second = replace(plant.context, noted={}), replace(plant.context, noted={})
    for context, after_ms in ((first, 9), (second, -7), (first, -3), (second, 4)):
        note_received(context, "events", BOUND + after_ms)
    plant.world.sleep(60)
    note_received(first, "events", BOUND + 800)
    note_received(second, "events", BOUND + 600)
    assert noted(plant) == {"2026-05-18T01:00": -7, "2026-05-18T01:01": 600}


@pytest.mark.parametrize("step_ms", [-HOUR, 1, 30_000])
def test_a_process_writes_at_most_twice_a_minute(plant: Plant, step_ms: int) -> None:
    """Test ten batches a second, each with an older or a younger message than the one before."""
    past_bound(plant, 60)
    before = plant.world.calls["UpdateItem"]
    for number in range(600):
        note_received(plant.context, "events", BOUND + 5 * step_ms * (step_ms < 0) + number * step_ms + 1)
        plant.world.sleep(0.1)
    assert 1 <= plant.world.calls["UpdateItem"] - before <= 2


def test_outside_the_hours_in_which_a_freeze_may_wait_nothing_is_noted(plant: Plant) -> None:
    before = plant.world.calls["UpdateItem"]
    for when in ("2026-05-18T00:59:59", "2026-05-18T07:00:00", "2026-05-18T12:00:00"):
        set_clock(plant, when)
        note_received(plant.context, "events", BOUND - HOUR)
    assert plant.world.calls["UpdateItem"] == before


def test_a_batch_notes_its_oldest_message_before_anything_else(plant: Plant) -> None:
    past_bound(plant)
    assert not process(plant, event(plant, 1)).failed
    assert noted(plant) == {"2026-05-18T01:00": 1000}


def test_a_note_that_cannot_be_written_fails_no_message(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise StoreError("busy")

    past_bound(plant)
    with monkeypatch.context() as patch:
        patch.setattr(backlog.backlog, "note_received", broken)
        assert not process(plant, event(plant, 1)).failed
    assert noted(plant) == {}
    assert not process(plant, event(plant, 2)).failed
    assert len(noted(plant)) == 1, "the next batch notes it"
