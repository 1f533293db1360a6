"""Worlds: actors, time, the same run for the same seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.simulated import Faults, Stuck, World

MAIN = "laurel-main"
Attach = Callable[[World], World]


def key(sk: str = "s") -> dict[str, Any]:
    return {"pk": {"S": "p"}, "sk": {"S": sk}}


def count_up(world: World, client: Any, times: int) -> None:
    """Read, think, and write on condition of the value read, until it succeeds."""
    for _ in range(times):
        while True:
            try:
                found = client.get_item(TableName=MAIN, Key=key(), ConsistentRead=True).get("Item")
                count_read = found["count"]["N"] if found else "0"
                client.put_item(
                    TableName=MAIN,
                    Item={**key(), "count": {"N": str(int(count_read) + 1)}},
                    ConditionExpression="#c = :seen" if found else "attribute_not_exists(pk)",
                    **({"ExpressionAttributeNames": {"#c": "count"}} if found else {}),
                    **({"ExpressionAttributeValues": {":seen": {"N": count_read}}} if found else {}),
                )
                break
            except ClientError:
                world.sleep(world.rng.random())


def counted(clients: SimpleNamespace) -> int:
    return int(clients.dynamodb.get_item(TableName=MAIN, Key=key())["Item"]["count"]["N"])


def test_actors_interleave(attach: Attach, clients: SimpleNamespace) -> None:
    world = attach(World(1))
    for name in "abc":
        world.spawn(name, count_up, world, clients.dynamodb, 5)
    world.run()
    assert counted(clients) == 15
    assert any(outcome == "ConditionalCheckFailedException" for *_, outcome in world.trace)
    switches = sum(one[1] != other[1] for one, other in zip(world.trace, world.trace[1:], strict=False))
    assert switches > 5


def test_time_is_virtual(attach: Attach) -> None:
    world = attach(World(1))
    order: list[str] = []

    def nap(name: str, seconds: float) -> None:
        world.sleep(seconds)
        order.append(name)

    start = world.now_ms()
    for name, seconds in (("late", 86_400), ("soon", 1), ("mid", 60)):
        world.spawn(name, nap, name, seconds)
    world.run()
    assert order == ["soon", "mid", "late"]
    assert world.now_ms() - start == 86_400_000


def rough_run(attach: Attach, clients: SimpleNamespace, seed: int) -> World:
    world = attach(World(seed, Faults.rough()))
    url = world.create_queue("q", dead_letter="dead", max_receives=100, VisibilityTimeout=60)
    received: list[str] = []

    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        failures = []
        for record in event["Records"]:
            try:
                clients.dynamodb.put_item(TableName=MAIN, Item=key(record["body"]))
                received.append(record["body"])
            except Exception:
                failures.append({"itemIdentifier": record["messageId"]})
        return {"batchItemFailures": failures}

    world.event_source(url, handler, concurrency=3)
    for number in range(12):
        clients.sqs.send_message(QueueUrl=url, MessageBody=str(number))
    world.run()
    assert set(received) == {str(number) for number in range(12)}
    assert world.queue(url).messages() == []
    return world


def test_same_seed_same_trace(attach: Attach, clients: SimpleNamespace) -> None:
    first, second = rough_run(attach, clients, 3), rough_run(attach, clients, 3)
    assert first.trace == second.trace
    assert first.fault_counts == second.fault_counts
    assert first.format_trace() == second.format_trace()
    assert rough_run(attach, clients, 4).trace != first.trace


def test_a_failing_actor_fails_the_run(attach: Attach) -> None:
    world = attach(World(9))

    def fails() -> None:
        raise ValueError("of its own")

    world.spawn("bad", fails)
    world.spawn("good", world.sleep, 1.0)
    with pytest.raises(AssertionError, match=r"bad failed \(seed 9\)"):
        world.run()


@pytest.mark.parametrize("asleep", [True, False])
def test_endless_worlds_are_stuck(attach: Attach, clients: SimpleNamespace, asleep: bool) -> None:
    world = attach(World(1))

    def forever() -> None:
        while True:
            if asleep:
                world.sleep(1)
            else:
                clients.dynamodb.get_item(TableName=MAIN, Key=key())

    world.spawn("actor", forever)
    with pytest.raises(Stuck):
        world.run(max_steps=100)
    ended: list[int] = []
    world.spawn("next", ended.append, 1)
    world.run()
    assert ended == [1]


@pytest.fixture
def crew(attach: Attach, clients: SimpleNamespace) -> Iterator[tuple[World, Callable[[str], str]]]:
    world = attach(World(4))

    def work(sk: str) -> str:
        clients.dynamodb.put_item(TableName=MAIN, Item=key(sk))
        return sk.upper()

    yield world, work
    world.close()


def test_executor(crew: tuple[World, Callable[[str], str]]) -> None:
    world, work = crew
    with world.executor() as pool:
        actor = world.spawn("parent", lambda: list(pool.map(work, "abcdef")))
        world.run()
    assert actor.result == list("ABCDEF")
    workers = [actor for _, actor, *_ in world.trace]
    assert sorted(set(workers)) == [f"parent.{number}" for number in range(6)]
    assert workers != sorted(workers), "they went in an order of the seed's"
