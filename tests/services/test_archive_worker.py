"""The scheduled worker that archives: as Lambda calls it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chalicelib import wiring
from chalicelib.services.parked import from_table
from chalicelib.store.failures import get_failures
from chalicelib.store.table import StoreError
from chalicelib.workers import archive as worker
from tests.pipeline import plant as plants
from tests.simulated.sources import LambdaContext

QUEUES = ("boards_dead_letter", "dead_letter", "rejected")
SCHEDULE = {
    "version": "0",
    "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
    "detail-type": "Scheduled Event",
    "source": "aws.events",
    "account": "123456789012",
    "time": "2026-05-19T12:00:00Z",
    "region": "eu-central-1",
    "resources": ["arn:aws:events:eu-central-1:123456789012:rule/laurel-archive"],
    "detail": {},
}


@pytest.fixture
def plant(monkeypatch: pytest.MonkeyPatch) -> plants.Plant:
    plant = plants.build(3)
    plant.urls["boards_dead_letter"] = plant.world.create_queue("laurel-boards-dead-letter.fifo", FifoQueue="true")
    for name in QUEUES:
        plant.world.queue(plant.urls[name]).configure({"MessageRetentionPeriod": str(14 * 86_400)})
    monkeypatch.setattr(wiring, "context", lambda: plant.context)
    return plant


def invoke(plant: plants.Plant) -> Any:
    return worker.archive(SCHEDULE, LambdaContext(plant.world, "laurel-archive", "r", 300))


def test_old_dead_letters_move_into_the_table(plant: plants.Plant, capsys: pytest.CaptureFixture[str]) -> None:
    sent = plant.sqs.send_message(QueueUrl=plant.urls["dead_letter"], MessageBody='{"apiKeyId":"ada"}')
    assert invoke(plant) == {"moved": dict.fromkeys(QUEUES, 0), "failed": 0}
    plant.world.sleep(10 * 86_400 + 1)
    assert invoke(plant)["moved"]["dead_letter"] == 1
    (row,) = get_failures(plant.context.table, "dead_letter", [sent["MessageId"]], plant.world.now_ms()).values()
    parked = from_table(plant.context, row, with_body=True)
    assert (parked.body, parked.reason, parked.origin) == ('{"apiKeyId":"ada"}', "unknown", "events")
    assert plant.world.queue(plant.urls["dead_letter"]).messages() == []
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert any(line.get("FailuresArchived") == [1] for line in lines)


def test_what_the_table_does_not_take_stays_in_its_queue(plant: plants.Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise StoreError("too large")

    plant.sqs.send_message(QueueUrl=plant.urls["rejected"], MessageBody="not an envelope")
    plant.world.sleep(11 * 86_400)
    with monkeypatch.context() as patch:
        patch.setattr("chalicelib.services.archive_failures.set_aside", broken)
        assert invoke(plant) == {"moved": dict.fromkeys(QUEUES, 0), "failed": 1}
    plant.world.sleep(3600)
    assert invoke(plant)["moved"]["rejected"] == 1
