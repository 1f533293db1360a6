"""Scheduled functions run one at a time: a second run does nothing while the first one is under way."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chalicelib import wiring
from chalicelib.services.operations import take_turns
from chalicelib.store.core.outbox import OutboxRecord, add_outbox_record
from chalicelib.store.core.table import StoreError, Table, Unknown
from chalicelib.store.operations.runs import read_runs
from chalicelib.store.operations.turns import end_turn, take_turn
from chalicelib.workers import sweep as worker
from infra.settings import FUNCTIONS
from tests.pipeline import plant as plants
from tests.pipeline.plant import Plant
from tests.services.operations.test_archive_worker import SCHEDULE
from tests.simulated.sources import LambdaContext

WORKERS = Path(worker.__file__).parent
SCHEDULED = {function.name for function in FUNCTIONS if function.is_scheduled}
TIMEOUT_S = 60
RECORDS = 12
FACTS = {"from": "anna", "to": "bob", "amount": 1}


@pytest.fixture
def plant(monkeypatch: pytest.MonkeyPatch) -> Iterator[Plant]:
    plant = plants.build(5)
    monkeypatch.setattr(wiring, "context", lambda: plant.context)
    yield plant
    plant.world.close()


def owe(plant: Plant) -> None:
    """Leave outbox rows that are old enough to be swept."""
    for number in range(RECORDS):
        tx = plant.context.table.transaction()
        add_outbox_record(tx, OutboxRecord(f"id-{number}", plant.world.now_ms(), "transfer", FACTS))
        tx.commit()
    plant.world.sleep(60)


def sweep(plant: Plant) -> dict[str, Any]:
    answer: dict[str, Any] = worker.sweep(SCHEDULE, LambdaContext(plant.world, "laurel-sweep", "r", TIMEOUT_S))
    return answer


def start(plant: Plant, number: int) -> Any:
    return plant.world.spawn(f"sweep-{number}", sweep, plant, role="sweep")


def test_of_runs_that_overlap_one_works(plant: Plant) -> None:
    owe(plant)
    actors = [start(plant, number) for number in range(3)]
    plant.world.run()
    results = [actor.result for actor in actors]
    assert sorted(results, key=str) == [{"sent": RECORDS}, {"skipped": True}, {"skipped": True}]
    assert len(plant.world.events.published) == RECORDS
    assert sweep(plant) == {"sent": 0}, "the turn has ended"


def test_without_turns_runs_that_overlap_send_twice(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(take_turns, "take_turn", lambda *_: None)
    owe(plant)
    actors = [start(plant, number) for number in range(3)]
    plant.world.run()
    assert sum(actor.result["sent"] for actor in actors) > RECORDS


def test_the_next_run_works_once_the_process_of_a_dead_one_has_ended(plant: Plant) -> None:
    owe(plant)

    def die(*_: Any) -> None:
        plant.world.die(plant.world.scheduler.current())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Table, "delete", die)
        start(plant, 0)
        began_ms = plant.world.now_ms()
        plant.world.run()
    assert sweep(plant) == {"skipped": True}
    plant.world.sleep((began_ms + 1000 * TIMEOUT_S - plant.world.now_ms()) / 1000 - 1)
    assert sweep(plant) == {"skipped": True}
    plant.world.sleep(2)
    assert sweep(plant) == {"sent": RECORDS}


def test_a_failed_run_ends_its_turn(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> Any:
        raise StoreError("out of order")

    with monkeypatch.context() as patch:
        patch.setattr(worker, "sweep_outbox", fail)
        with pytest.raises(StoreError, match="out of order"):
            sweep(plant)
    assert sweep(plant) == {"sent": 0}


def test_a_skipped_run_has_not_finished(plant: Plant) -> None:
    table, now_ms = plant.context.table, plant.world.now_ms()
    take_turn(table, "sweep", "another", now_ms, now_ms + 1)
    assert sweep(plant) == {"skipped": True}
    assert read_runs(table, ["sweep"]) == {}


def test_a_run_takes_its_turn_again_after_a_lost_answer_and_ends_no_other(plant: Plant) -> None:
    table, now_ms = plant.context.table, plant.world.now_ms()
    take_turn(table, "sweep", "one", now_ms, now_ms + 1000)
    take_turn(table, "sweep", "one", now_ms, now_ms + 1000)
    end_turn(table, "sweep", "two")
    assert sweep(plant) == {"skipped": True}
    take_turn(table, "rotate", "two", now_ms, now_ms + 1000)
    end_turn(table, "sweep", "one")
    assert sweep(plant) == {"sent": 0}


def test_a_turn_that_is_taken_without_an_answer_is_ended(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Table.update

    def lose(table: Table, key: Any, expression: str, *more: Any) -> None:
        real(table, key, expression, *more)
        if "#until = :until" in expression:
            raise Unknown("the answer was lost")

    with monkeypatch.context() as patch:
        patch.setattr(Table, "update", lose)
        with pytest.raises(Unknown):
            sweep(plant)
    assert sweep(plant) == {"sent": 0}


def test_a_turn_whose_end_is_not_written_fails_no_run(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Table.update

    def lose(table: Table, key: Any, expression: str, *more: Any) -> None:
        if expression == "SET #until = :ended":
            raise Unknown("the answer was lost")
        real(table, key, expression, *more)

    monkeypatch.setattr(Table, "update", lose)
    assert sweep(plant) == {"sent": 0}


def test_every_scheduled_function_takes_turns() -> None:
    found = {
        node.name: {ast.unparse(each).split("(")[0] for each in node.decorator_list}
        for path in WORKERS.glob("*.py")
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef)
    }
    scheduled = {name for name, decorators in found.items() if "worker.schedule" in decorators}
    assert scheduled == SCHEDULED
    assert all("one_at_a_time" in found[name] for name in scheduled)
