"""The scheduled worker that closes periods: as Lambda calls it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from chalicelib import wiring
from chalicelib.services.boards import rotate_boards as use_case
from chalicelib.services.boards.worker import feed_messages
from chalicelib.store.boards.archives import start_cursor
from chalicelib.store.core.table import StoreError
from chalicelib.workers import rotate as worker
from tests.pipeline import plant as plants
from tests.services.boards.test_rotate_boards import at
from tests.services.operations.test_archive_worker import SCHEDULE
from tests.simulated.sources import LambdaContext


@pytest.fixture
def plant(monkeypatch: pytest.MonkeyPatch) -> plants.Plant:
    plant = plants.build(3)
    for scope in plant.context.rules.boards:
        start_cursor(plant.context.table, scope, plant.world.now_ms() // 86_400_000 - 1)
    plant.world.sleep(86_400)
    monkeypatch.setattr(wiring, "context", lambda: plant.context)
    return plant


def invoke(plant: plants.Plant, timeout_s: float = 300) -> Any:
    with plant.world.acting_as("rotate"):
        return worker.rotate(SCHEDULE, LambdaContext(plant.world, "laurel-rotate", "r", timeout_s))


def test_each_checked_board_is_logged(plant: plants.Plant, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(plant) == {"steps": {"daily#2026-05-19": "freeze requested"}, "reminded": []}
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert any(line.get("PeriodsRotated") == [0] for line in lines)


def logged(plant: plants.Plant, after: str, capsys: pytest.CaptureFixture[str]) -> tuple[str, list[float]]:
    """Return the step of yesterday's board, and the minutes that a freeze has been held, as logged by a run."""
    capsys.readouterr()
    plant.world.sleep((at(after) - plant.world.now_ms()) / 1000)
    steps = invoke(plant)["steps"]
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return steps["daily#2026-05-20"], next(line["FreezeHeldMinutes"] for line in lines if "FreezeHeldMinutes" in line)


def test_the_minutes_that_a_freeze_has_been_held_are_logged(
    plant: plants.Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    plant.sqs.send_message(QueueUrl=plant.urls["backfill"], MessageBody="{}")
    waits = "held: 1 message waits in 'backfill'"
    assert logged(plant, "2026-05-21T01:00:59", capsys) == (waits, [0])
    assert logged(plant, "2026-05-21T01:30:59", capsys) == (waits, [30])
    plant.world.queue(plant.urls["backfill"]).purge(plant.world.now_ms())
    assert logged(plant, "2026-05-21T01:35:59", capsys) == ("held: the queues are checked again in a minute", [35])
    assert logged(plant, "2026-05-21T01:40:59", capsys) == ("freeze requested", [0])


def test_without_time_nothing_is_begun(plant: plants.Plant) -> None:
    assert invoke(plant, timeout_s=20)["steps"] == {}


def test_a_failing_board_fails_the_invocation_after_the_others(
    plant: plants.Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise StoreError("busy")

    monkeypatch.setattr(use_case, "send_messages", broken)
    with pytest.raises(worker.RotationFailed, match="daily"):
        invoke(plant)


def test_a_board_that_does_not_come_to_rest_is_an_error(
    plant: plants.Plant, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Test a board with wrong counters: it can be repaired, and rotates then."""
    invoke(plant)
    queue = plant.world.queue(plant.urls["boards"])
    feed_messages(plant.context, [(each.id, each.body) for each in queue.messages()])
    working = use_case.final_standings
    monkeypatch.setattr(use_case, "final_standings", lambda *args: _restless(working(*args)))
    assert invoke(plant)["steps"]["daily#2026-05-19"] == "updates in flight"
    plant.world.sleep(86_400)
    with pytest.raises(worker.RotationFailed, match="daily#2026-05-19"):
        invoke(plant)
    assert "rotation overdue" in caplog.messages


def _restless(standings: Any) -> Any:
    return replace(standings, exact=False)
