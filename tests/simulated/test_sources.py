"""Event sources: what Lambda deletes, keeps and delivers again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from tests.simulated import Faults, World, failed_ids

Attach = Callable[[World], World]


def fill(world: World, clients: SimpleNamespace, number: int, **attributes: Any) -> str:
    url = world.create_queue("q", dead_letter="dead", max_receives=3, VisibilityTimeout=60, **attributes)
    for index in range(number):
        clients.sqs.send_message(QueueUrl=url, MessageBody=f"m{index}")
    return url


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        (None, set()),
        ({}, set()),
        ({"batchItemFailures": []}, set()),
        ({"batchItemFailures": None}, set()),
        ({"batchItemFailures": [{"itemIdentifier": "a"}]}, {"a"}),
        ({"batchItemFailures": [{"itemIdentifier": "zz"}]}, {"a", "b"}),
        ({"batchItemFailures": [{"itemIdentifier": ""}]}, {"a", "b"}),
        ({"batchItemFailures": [{"id": "a"}]}, {"a", "b"}),
        ({"batchItemFailures": ["a"]}, {"a", "b"}),
    ],
)
def test_lambda_keeps_failed_messages(answer: Any, kept: set[str]) -> None:
    assert failed_ids(answer, {"a", "b"}) == kept


@pytest.mark.parametrize("report_failures", [True, False])
def test_failed_messages_come_again(attach: Attach, clients: SimpleNamespace, report_failures: bool) -> None:
    world = attach(World(1))
    url = fill(world, clients, 10)
    received: Counter[str] = Counter()

    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        failures = []
        for record in event["Records"]:
            received[record["body"]] += 1
            if record["body"] == "m3":
                failures.append({"itemIdentifier": record["messageId"]})
        return {"batchItemFailures": failures}

    source = world.event_source(url, handler, batch_size=4, report_failures=report_failures)
    world.run()
    assert received == Counter({f"m{n}": 3 if n == 3 and report_failures else 1 for n in range(10)})
    dead = [message.body for message in world.sqs.queues["dead"].messages()]
    assert dead == (["m3"] if report_failures else [])
    assert source.batches >= 3
    assert source.failed == (3 if report_failures else 0)


def test_a_raising_handler_keeps_the_batch(attach: Attach, clients: SimpleNamespace) -> None:
    world = attach(World(1))
    url = fill(world, clients, 4)

    def handler(event: dict[str, Any], context: Any) -> None:
        raise RuntimeError("handler failed")

    source = world.event_source(url, handler, batch_size=10, visibility_timeout=5)
    world.run()
    assert source.errors >= 3
    assert len(world.sqs.queues["dead"].messages()) == 4


def test_concurrency_and_context(attach: Attach, clients: SimpleNamespace) -> None:
    world = attach(World(1))
    url = fill(world, clients, 30)
    active, most = [0], [0]
    left: list[int] = []

    def handler(event: dict[str, Any], context: Any) -> None:
        active[0] += 1
        most[0] = max(most[0], active[0])
        world.sleep(1)
        left.append(context.get_remaining_time_in_millis())
        assert context.aws_request_id
        assert context.invoked_function_arn.endswith(context.function_name)
        active[0] -= 1

    world.event_source(url, handler, batch_size=2, concurrency=3, timeout_s=20)
    world.run()
    assert most == [3]
    assert all(ms <= 19_000 for ms in left)


@pytest.mark.parametrize("kill_at_timeout", [True, False])
def test_zombies(attach: Attach, clients: SimpleNamespace, kill_at_timeout: bool) -> None:
    """Test an invocation that outlives its visibility: its message is delivered again while it still runs."""
    world = attach(World(1))
    url = fill(world, clients, 1)
    running, overlaps = [0], [0]
    done: list[int] = []

    def handler(event: dict[str, Any], context: Any) -> None:
        running[0] += 1
        overlaps[0] += running[0] > 1
        attempt = int(event["Records"][0]["attributes"]["ApproximateReceiveCount"])
        try:
            world.sleep(100 if attempt == 1 else 1)
            done.append(attempt)
        finally:
            running[0] -= 1

    source = world.event_source(url, handler, concurrency=2, timeout_s=30, kill_at_timeout=kill_at_timeout)
    world.run()
    assert overlaps == [1]
    assert done == ([2] if kill_at_timeout else [2, 1])
    assert source.deaths == (1 if kill_at_timeout else 0)


def test_duplicates_and_order(attach: Attach, clients: SimpleNamespace) -> None:
    world = attach(World(2, Faults(duplicate=0.5, reorder=1.0)))
    url = fill(world, clients, 20)
    received: list[str] = []
    times: dict[str, list[int]] = {}

    def handler(event: dict[str, Any], context: Any) -> None:
        for record in event["Records"]:
            received.append(record["body"])
            times.setdefault(record["messageId"], []).append(world.now_ms())

    world.event_source(url, handler)
    world.run()
    assert set(received) == {f"m{n}" for n in range(20)}
    assert len(received) > 20
    assert received[:20] != sorted(received[:20], key=lambda body: int(body[1:]))
    assert max(max(at) - min(at) for at in times.values()) > 60_000, "some come again minutes later"


def test_a_dead_worker_leaves_its_messages(attach: Attach, clients: SimpleNamespace) -> None:
    world = attach(World(3, Faults(kill_before=0.3)))
    url = world.create_queue("q", VisibilityTimeout=60)
    out = world.create_queue("out")
    for index in range(10):
        clients.sqs.send_message(QueueUrl=url, MessageBody=f"m{index}")

    def handler(event: dict[str, Any], context: Any) -> None:
        for record in event["Records"]:
            clients.sqs.send_message(QueueUrl=out, MessageBody=record["body"])

    source = world.event_source(url, handler, batch_size=3)
    world.run()
    assert source.deaths > 0
    assert {message.body for message in world.queue(out).messages()} == {f"m{n}" for n in range(10)}


def test_fifo_order_survives_deaths(attach: Attach, clients: SimpleNamespace) -> None:
    world = attach(World(4, Faults(kill_before=0.1, kill_after=0.1)))
    url = world.create_queue("q.fifo", FifoQueue="true", VisibilityTimeout=60)
    out = world.create_queue("out")
    for index in range(20):
        group = "gh"[index % 2]
        clients.sqs.send_message(
            QueueUrl=url, MessageBody=f"{group}{index:02}", MessageGroupId=group, MessageDeduplicationId=str(index)
        )
    current: dict[str, str] = {}

    def handler(event: dict[str, Any], context: Any) -> None:
        for record in event["Records"]:
            body = record["body"]
            clients.sqs.send_message(QueueUrl=out, MessageBody=body)
            assert current.get(body[0], "") <= body or int(record["attributes"]["ApproximateReceiveCount"]) > 1
            current[body[0]] = body

    source = world.event_source(url, handler, batch_size=3, concurrency=4)
    world.run()
    assert source.errors == 0, source.last_error
    assert source.deaths > 0
    assert len({message.body for message in world.queue(out).messages()}) == 20
