"""The scheduled worker that archives: as Lambda calls it."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from chalicelib import wiring
from chalicelib.gateways.queues import NotSent
from chalicelib.services.boards.messages import BoardMessage
from chalicelib.services.events.failed_messages import from_table
from chalicelib.services.operations.list_failures import find_failure, list_failures
from chalicelib.services.operations.redrive_failures import redrive_failures
from chalicelib.services.progress.publish_scores import send_messages
from chalicelib.store.core.table import StoreError, Table
from chalicelib.store.events.failed_messages import Failure, get_failures, set_aside
from chalicelib.workers import archive as worker
from chalicelib.workers import boards as boards_worker
from tests.pipeline import plant as plants
from tests.services.progress.test_apply_events import process
from tests.simulated.sources import LambdaContext

# Writes that take and end a run's turn.
TURN = 2
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
    for name in QUEUES:
        plant.world.queue(plant.urls[name]).configure({"MessageRetentionPeriod": str(14 * 86_400)})
    monkeypatch.setattr(wiring, "context", lambda: plant.context)
    return plant


def invoke(plant: plants.Plant) -> Any:
    with plant.world.acting_as("archive"):
        return worker.archive(SCHEDULE, LambdaContext(plant.world, "laurel-archive", "r", 300))


def test_old_dead_letters_move_into_the_table(plant: plants.Plant, capsys: pytest.CaptureFixture[str]) -> None:
    sent = plant.sqs.send_message(QueueUrl=plant.urls["dead_letter"], MessageBody='{"apiKeyId":"ada"}')
    assert invoke(plant) == {"moved": dict.fromkeys(QUEUES, 0), "failed": 0}
    plant.world.sleep(10 * 86_400 + 1)
    assert invoke(plant)["moved"]["dead_letter"] == 1
    (row,) = get_failures(plant.context.table, "dead_letter", [sent["MessageId"]], plant.world.now_ms()).values()
    failure = from_table(plant.context, row, with_body=True)
    assert (failure.body, failure.reason, failure.origin) == ('{"apiKeyId":"ada"}', "unknown", "events")
    assert plant.world.queue(plant.urls["dead_letter"]).messages() == []
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert any(line.get("FailuresArchived") == [1] for line in lines)


def test_a_message_that_the_table_does_not_take_stays_in_its_queue(
    plant: plants.Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise StoreError("too large")

    plant.sqs.send_message(QueueUrl=plant.urls["rejected"], MessageBody="not an envelope")
    plant.world.sleep(11 * 86_400)
    with monkeypatch.context() as patch:
        patch.setattr("chalicelib.services.operations.archive_failures.set_aside", broken)
        assert invoke(plant) == {"moved": dict.fromkeys(QUEUES, 0), "failed": 1}
    plant.world.sleep(3600)
    assert invoke(plant)["moved"]["rejected"] == 1


def bury(plant: plants.Plant, group: str, number: int) -> str:
    """Let a message of a group end in the boards' queue of dead letters."""
    body = f'{{"board":"{group}","n":{number}}}'
    plant.sqs.send_message(
        QueueUrl=plant.urls["boards_dead_letter"], MessageBody=body, MessageGroupId=group, MessageDeduplicationId=body
    )
    return body


def sent_to_boards(plant: plants.Plant) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for message in plant.world.queue(plant.urls["boards"]).messages():
        found.setdefault(message.group, []).append(message.body)
    return found


def test_board_messages_keep_group_and_order(plant: plants.Plant) -> None:
    """Test a group whose next messages are visible once earlier ones were deleted; younger stay for a later run."""
    groups = ("weekly#2026-W21", "global#all", "global#all~1")
    bodies_of = {group: [bury(plant, group, number) for number in range(25)] for group in groups}
    plant.world.sleep(9 * 86_400)
    late = bury(plant, "global#all", 25)
    plant.world.sleep(86_400 + 1)
    assert invoke(plant) == {"moved": {"boards_dead_letter": 75, "dead_letter": 0, "rejected": 0}, "failed": 0}
    assert [each.body for each in plant.world.queue(plant.urls["boards_dead_letter"]).messages()] == [late]
    listed = list_failures(plant.context, "boards_dead_letter")
    assert (len(listed.found), listed.complete) == (76, True)
    one = next(each for each in listed.found if each.body == bodies_of["global#all"][3])
    assert one.archived
    assert one.id.startswith("global#all/")
    assert find_failure(plant.context, "boards_dead_letter", one.id) == one
    result = redrive_failures(plant.context, "boards_dead_letter", most=40)
    assert (len(result.done), result.refused) == (40, {})
    assert result.after
    result = redrive_failures(plant.context, "boards_dead_letter", after=result.after)
    assert (len(result.done), result.refused, result.after) == (36, {}, None)
    bodies_of["global#all"].append(late)
    assert sent_to_boards(plant) == bodies_of
    assert list_failures(plant.context, "boards_dead_letter").found == []


def test_messages_after_a_failure_wait_in_their_group(plant: plants.Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    bodies_of = {
        group: [bury(plant, group, number) for number in range(4)] for group in ("global#all", "daily#2026-05-19")
    }
    plant.world.sleep(11 * 86_400)

    def broken(table: Table, failure: Failure) -> None:
        if failure.body == bodies_of["global#all"][1]:
            raise StoreError("busy")
        set_aside(table, failure)

    with monkeypatch.context() as patch:
        patch.setattr("chalicelib.services.operations.archive_failures.set_aside", broken)
        assert invoke(plant) == {"moved": {"boards_dead_letter": 5, "dead_letter": 0, "rejected": 0}, "failed": 1}
    left = [each.body for each in plant.world.queue(plant.urls["boards_dead_letter"]).messages()]
    assert left == bodies_of["global#all"][1:]
    assert len(list_failures(plant.context, "boards_dead_letter").found) == 8
    plant.world.sleep(3600)
    assert invoke(plant)["moved"]["boards_dead_letter"] == 3
    redrive_failures(plant.context, "boards_dead_letter")
    assert sent_to_boards(plant) == bodies_of


def test_a_board_message_that_is_not_taken_keeps_back_its_group(
    plant: plants.Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    bodies_of = {
        group: [bury(plant, group, number) for number in range(4)] for group in ("global#all", "daily#2026-05-19")
    }
    plant.world.sleep(11 * 86_400)
    invoke(plant)
    real = plant.context.queues.send_grouped

    def broken(queue: str, bodies: list[tuple[str, str]]) -> None:
        if bodies[0][1] == bodies_of["global#all"][1]:
            raise NotSent("busy")
        real(queue, bodies)

    with monkeypatch.context() as patch:
        patch.setattr(plant.context.queues, "send_grouped", broken)
        result = redrive_failures(plant.context, "boards_dead_letter")
    assert (len(result.done), len(result.refused)) == (5, 3)
    redrive_failures(plant.context, "boards_dead_letter")
    assert sent_to_boards(plant) == bodies_of


def test_a_flood_in_one_queue_leaves_the_others_their_share_of_the_time(
    plant: plants.Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Test a round of two receives of 32 of the 269 seconds: one for the queue that is empty, four for each flood."""
    for queue in ("dead_letter", "rejected"):
        for number in range(100):
            plant.sqs.send_message(QueueUrl=plant.urls[queue], MessageBody=str(number))
    plant.world.sleep(11 * 86_400)
    real = plant.context.queues.receive

    def slow(queue: str, visibility_s: int) -> Any:
        plant.world.sleep(16)
        return real(queue, visibility_s)

    monkeypatch.setattr(plant.context.queues, "receive", slow)
    monkeypatch.setattr("chalicelib.services.operations.archive_failures.RECEIVES", 2)
    began = plant.world.now_ms()
    assert invoke(plant)["moved"] == {"boards_dead_letter": 0, "dead_letter": 80, "rejected": 80}
    assert plant.world.now_ms() - began < 300_000
    assert invoke(plant)["moved"] == {"boards_dead_letter": 0, "dead_letter": 20, "rejected": 20}


def test_a_queue_out_of_reach_does_not_stop_the_others(plant: plants.Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    plant.sqs.send_message(QueueUrl=plant.urls["dead_letter"], MessageBody="1")
    plant.world.sleep(11 * 86_400)
    real = plant.context.queues.receive

    def broken(queue: str, visibility_s: int) -> Any:
        if queue == "boards_dead_letter":
            raise NotSent("no such queue")
        return real(queue, visibility_s)

    monkeypatch.setattr(plant.context.queues, "receive", broken)
    with pytest.raises(NotSent):
        invoke(plant)
    assert plant.world.queue(plant.urls["dead_letter"]).messages() == []


def test_an_old_envelope_is_dropped_since_its_row_is_there(plant: plants.Plant) -> None:
    process(plant, {"nonsense": 1})
    plant.sqs.send_message(QueueUrl=plant.urls["rejected"], MessageBody="not an envelope")
    plant.world.sleep(11 * 86_400)
    plant.world.calls.clear()
    assert invoke(plant)["moved"]["rejected"] == 2
    assert plant.world.calls["UpdateItem"] == 1 + TURN
    assert {each.body for each in list_failures(plant.context, "rejected").found} == {
        '{"nonsense": 1}',
        "not an envelope",
    }


def test_a_large_body_is_archived_in_items_of_its_own(plant: plants.Plant) -> None:
    body = json.dumps({"nonsense": random.Random(1).randbytes(8_000).hex()})
    sent = plant.sqs.send_message(QueueUrl=plant.urls["dead_letter"], MessageBody=body)
    plant.world.sleep(11 * 86_400)
    assert invoke(plant)["moved"]["dead_letter"] == 1
    (row,) = get_failures(plant.context.table, "dead_letter", [sent["MessageId"]], plant.world.now_ms()).values()
    assert row.parts == 1
    assert from_table(plant.context, row, with_body=True).body == body


def test_a_dead_letter_of_a_board_has_the_reason_of_its_failure(
    plant: plants.Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Test it in its queue, and archived."""
    boards = plant.world.queue(plant.urls["boards"])
    dead = plant.world.queue(plant.urls["boards_dead_letter"])
    boards.configure({"RedrivePolicy": json.dumps({"deadLetterTargetArn": dead.arn, "maxReceiveCount": 1})})
    send_messages(plant.context, [BoardMessage("global#all", "global#all", repair=True)])

    def handler(event: dict[str, Any], context: LambdaContext) -> Any:
        return boards_worker.boards(event, context)

    def broken(*_: Any) -> None:
        raise StoreError("the table is on fire")

    monkeypatch.setattr("chalicelib.services.boards.worker.repair_shard", broken)
    plant.world.event_source(plant.urls["boards"], handler, timeout_s=120.0, role="boards")
    plant.world.run()
    for archived in (False, True):
        (found,) = list_failures(plant.context, "boards_dead_letter").found
        assert (found.archived, found.origin, found.reason) == (archived, "boards", "StoreError")
        assert (found.sentence, found.attempts) == ("the table is on fire", 1)
        plant.world.sleep(11 * 86_400)
        invoke(plant)
