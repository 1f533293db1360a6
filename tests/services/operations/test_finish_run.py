"""The last finished run of each scheduled function: what its row says, and which runs of the workers count."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from chalicelib import wiring
from chalicelib.gateways.queues import NotSent
from chalicelib.services.boards import rotate_boards as rotation
from chalicelib.services.operations.finish_run import LATE_MS, finish_run
from chalicelib.store.core.outbox import OutboxRecord, add_outbox_record
from chalicelib.store.core.table import StoreError
from chalicelib.store.operations.runs import Run, read_runs
from chalicelib.workers import archive, rotate, sweep, verify, verify_ledger
from chalicelib.workers.finish import heartbeat
from tests.pipeline import plant as plants
from tests.services.operations.test_archive_worker import SCHEDULE
from tests.simulated.sources import LambdaContext

WORKERS: dict[str, Callable[..., Any]] = {
    "sweep": sweep.sweep,
    "rotate": rotate.rotate,
    "verify": verify.verify,
    "archive": archive.archive,
    "verify_ledger": verify_ledger.verify_ledger,
}


@pytest.fixture
def plant(monkeypatch: pytest.MonkeyPatch) -> plants.Plant:
    plant = plants.build(3)
    for name in ("boards_dead_letter", "dead_letter", "rejected"):
        plant.world.queue(plant.urls[name]).configure({"MessageRetentionPeriod": str(14 * 86_400)})
    monkeypatch.setattr(wiring, "context", lambda: plant.context)
    for module in (verify, verify_ledger):
        monkeypatch.setattr(module, "sleep", plant.world.sleep)
    return plant


def invoke(plant: plants.Plant, function: str, timeout_s: float = 900) -> Any:
    with plant.world.acting_as(function):
        return WORKERS[function](SCHEDULE, LambdaContext(plant.world, f"laurel-{function}", "r", timeout_s))


def run_of(plant: plants.Plant, function: str) -> Run | None:
    return read_runs(plant.context.table, [function]).get(function)


def metrics(capsys: pytest.CaptureFixture[str]) -> dict[str, float]:
    """Return the metrics written since the last call."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    return {name: value[0] for line in lines for name, value in line.items() if isinstance(value, list)}


def test_a_row_says_when_runs_began_to_end_so(plant: plants.Plant) -> None:
    world, late_s = plant.world, LATE_MS["verify"] / 1000
    began = world.now_ms()
    finish_run(plant.context, "verify")
    world.sleep(late_s)
    finish_run(plant.context, "verify")
    assert run_of(plant, "verify") == Run("verify", world.now_ms(), began, 0)
    world.sleep(60)
    differs = world.now_ms()
    finish_run(plant.context, "verify", 2)
    world.sleep(60)
    finish_run(plant.context, "verify", 3)
    assert run_of(plant, "verify") == Run("verify", world.now_ms(), differs, 3)
    world.sleep(late_s + 1)
    finish_run(plant.context, "verify", 3)
    assert run_of(plant, "verify") == Run("verify", world.now_ms(), world.now_ms(), 3), "a run was missing"


@pytest.mark.parametrize("function", WORKERS)
def test_a_finished_run_has_a_row_and_a_metric(
    plant: plants.Plant, function: str, capsys: pytest.CaptureFixture[str]
) -> None:
    plant.world.calls.clear()
    invoke(plant, function)
    run = run_of(plant, function)
    assert run
    assert run.done_ms <= plant.world.now_ms()
    assert metrics(capsys)[heartbeat(function)] == 1


@pytest.mark.parametrize(
    ("function", "seconds"), [("rotate", 20), ("archive", 20), ("verify", 60), ("verify_ledger", 60)]
)
def test_a_run_without_time_for_its_work_has_not_finished(
    plant: plants.Plant, function: str, seconds: int, capsys: pytest.CaptureFixture[str]
) -> None:
    invoke(plant, function, seconds)
    assert run_of(plant, function) is None
    assert heartbeat(function) not in metrics(capsys)


def owe(plant: plants.Plant, id_: str, kind: str = "unknown") -> None:
    tx = plant.context.table.transaction()
    add_outbox_record(tx, OutboxRecord(id_, plant.world.now_ms(), kind, {"from": "a", "to": "b", "amount": 1}))
    tx.commit()


def test_the_sweep_reports_the_age_of_the_oldest_row_that_stays(
    plant: plants.Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    invoke(plant, "sweep")
    assert metrics(capsys) == {"OutboxSwept": 0, "OutboxAge": 0, "SweepFinished": 1}
    owe(plant, "first")
    plant.world.sleep(90)
    for number in range(20):
        owe(plant, f"later-{number}")
    plant.world.sleep(100)
    with pytest.raises(sweep.NotSwept):
        invoke(plant, "sweep")
    assert metrics(capsys) == {"OutboxSwept": 0, "OutboxAge": 190}
    finished = run_of(plant, "sweep")
    assert finished
    assert finished.done_ms < plant.world.now_ms()


def test_a_sweep_that_stops_at_its_deadline_reports_the_next_row(
    plant: plants.Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    owe(plant, "one", "transfer")
    plant.world.sleep(60)
    invoke(plant, "sweep", 10)
    assert metrics(capsys) == {"OutboxSwept": 0, "OutboxAge": 60}
    assert run_of(plant, "sweep") is None


def test_a_rotation_that_fails_has_not_finished(
    plant: plants.Plant, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: Any) -> None:
        raise StoreError("the table is on fire")

    monkeypatch.setattr(rotation, "read_archives", broken)
    with pytest.raises(rotate.RotationFailed):
        invoke(plant, "rotate")
    assert run_of(plant, "rotate") is None
    assert "RotateFinished" not in metrics(capsys)


def test_archiving_reports_the_oldest_message_that_stays(
    plant: plants.Plant, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plant.sqs.send_message(QueueUrl=plant.urls["dead_letter"], MessageBody="old")
    plant.world.sleep(11 * 86_400)
    plant.sqs.send_message(QueueUrl=plant.urls["rejected"], MessageBody="young")
    plant.world.sleep(3600)

    def broken(*_: Any) -> None:
        raise StoreError("too large")

    with monkeypatch.context() as patch:
        patch.setattr("chalicelib.services.operations.archive_failures.set_aside", broken)
        invoke(plant, "archive", 300)
    found = metrics(capsys)
    assert 11 * 86_400 + 3600 <= found.pop("FailureAge") < 11 * 86_400 + 3700
    assert found == {"FailuresArchived": 0, "FailuresNotArchived": 1}
    plant.world.sleep(400)
    invoke(plant, "archive", 300)
    found = metrics(capsys)
    assert 4000 <= found.pop("FailureAge") < 4100
    assert found == {"FailuresArchived": 1, "FailuresNotArchived": 0, "ArchiveFinished": 1}


def test_archiving_that_cannot_read_a_queue_has_not_finished(
    plant: plants.Plant, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: Any) -> None:
        raise NotSent("no such queue")

    monkeypatch.setattr(plant.context.queues, "receive", broken)
    with pytest.raises(NotSent):
        invoke(plant, "archive", 300)
    assert run_of(plant, "archive") is None
    assert metrics(capsys) == {}


def test_cost_of_the_row(plant: plants.Plant) -> None:
    finish_run(plant.context, "sweep")
    plant.world.dynamodb.meter.reset()
    finish_run(plant.context, "sweep")
    meter = plant.world.dynamodb.meter
    assert (meter.calls, meter.read_units, meter.write_units) == (2, 1.0, 1.0)
