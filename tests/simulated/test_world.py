"""Worlds: the same seed gives the same run, and every fault really befalls somebody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.simulated import Faults, Killed, Stuck, World

MAIN = "laurel-main"
Attach = Callable[[World], World]


def key(sk: str = "s") -> dict[str, Any]:
    return {"pk": {"S": "p"}, "sk": {"S": sk}}


def count_up(world: World, client: Any, times: int) -> None:
    """Read, think, write on condition of what was read; go on until it worked."""
    for _ in range(times):
        while True:
            try:
                found = client.get_item(TableName=MAIN, Key=key(), ConsistentRead=True).get("Item")
                seen = found["count"]["N"] if found else "0"
                client.put_item(
                    TableName=MAIN,
                    Item={**key(), "count": {"N": str(int(seen) + 1)}},
                    ConditionExpression="#c = :seen" if found else "attribute_not_exists(pk)",
                    **({"ExpressionAttributeNames": {"#c": "count"}} if found else {}),
                    **({"ExpressionAttributeValues": {":seen": {"N": seen}}} if found else {}),
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
    seen: list[str] = []

    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        failures = []
        for record in event["Records"]:
            try:
                clients.dynamodb.put_item(TableName=MAIN, Item=key(record["body"]))
                seen.append(record["body"])
            except Exception:
                failures.append({"itemIdentifier": record["messageId"]})
        return {"batchItemFailures": failures}

    world.event_source(url, handler, concurrency=3)
    for number in range(12):
        clients.sqs.send_message(QueueUrl=url, MessageBody=str(number))
    world.run()
    assert set(seen) == {str(number) for number in range(12)}
    assert world.queue(url).messages() == []
    return world


def test_same_seed_same_trace(attach: Attach, clients: SimpleNamespace) -> None:
    first, second = rough_run(attach, clients, 3), rough_run(attach, clients, 3)
    assert first.trace == second.trace
    assert first.fault_counts == second.fault_counts
    assert first.format_trace() == second.format_trace()
    assert rough_run(attach, clients, 4).trace != first.trace


def busy(clients: SimpleNamespace, url: str, world: World) -> None:
    """One of each kind of call; what fails, fails."""
    main, keys = clients.dynamodb, [key(sk) for sk in "abc"]
    puts = [{"PutRequest": {"Item": {**k, "expires": {"N": str(world.now_ms() // 1000 + 1)}}}} for k in keys]
    calls: list[Callable[[], Any]] = [
        lambda: main.put_item(TableName=MAIN, Item={**key("a"), "board": {"S": "x"}, "order": {"S": "1"}}),
        lambda: main.get_item(TableName=MAIN, Key=key("a")),
        lambda: main.batch_write_item(RequestItems={MAIN: puts}),
        lambda: main.batch_get_item(RequestItems={MAIN: {"Keys": keys}}),
        lambda: main.query(
            TableName=MAIN, KeyConditionExpression="pk = :p", ExpressionAttributeValues={":p": {"S": "p"}}
        ),
        lambda: main.transact_write_items(TransactItems=[{"Delete": {"TableName": MAIN, "Key": key("a")}}]),
        lambda: clients.sqs.send_message_batch(
            QueueUrl=url, Entries=[{"Id": str(n), "MessageBody": "x"} for n in range(4)]
        ),
        lambda: clients.events.put_events(
            Entries=[{"Source": "s", "DetailType": "t", "Detail": "{}"} for _ in range(4)]
        ),
    ]
    for call in calls * 4:
        try:
            call()
        except Exception:
            world.sleep(0.1)


def nothing(event: dict[str, Any], context: Any) -> None:
    return None


@pytest.mark.parametrize(
    ("fault", "changes"),
    [
        *((name, {}) for name in (
            "kill_before", "kill_after", "kill_mid", "lost_request", "lost_answer", "late_effect", "server_error",
            "throttle", "conflict", "partial", "stall", "torn", "stale", "duplicate", "reorder",
        )),
        ("ttl_delete", {"ttl": "prompt"}),
        ("ttl_delete", {"ttl": "late"}),
    ],
)  # fmt: skip
def test_each_fault_occurs(attach: Attach, clients: SimpleNamespace, fault: str, changes: dict[str, Any]) -> None:
    rates = changes or {fault: 0.5 if fault in ("stale", "torn", "duplicate", "reorder") else 0.1}
    world = attach(World(5, Faults(**rates, stall_s=(0.5, 5))))
    clients.dynamodb.update_time_to_live(
        TableName=MAIN, TimeToLiveSpecification={"AttributeName": "expires", "Enabled": True}
    )
    url = world.create_queue("q", VisibilityTimeout=30)
    world.event_source(url, nothing)
    for number in range(4):
        world.spawn(f"actor{number}", busy, clients, url, world)
    world.run()
    world.sleep(7_200)
    assert world.fault_counts[fault] > 0, world.fault_counts
    others = set(world.fault_counts) - {fault, "sdk_retry", "expired_receipt"}
    assert not others, world.fault_counts


def test_the_dead_do_nothing_more(attach: Attach, clients: SimpleNamespace) -> None:
    world = attach(World(1, Faults(kill_before=1.0)))

    def stubborn() -> None:
        try:
            clients.dynamodb.put_item(TableName=MAIN, Item=key())
        finally:
            with pytest.raises(Killed):
                clients.dynamodb.put_item(TableName=MAIN, Item=key("after death"))

    actor = world.spawn("stubborn", stubborn)
    world.run()
    assert actor.process.dead
    assert clients.dynamodb.scan(TableName=MAIN)["Count"] == 0


def test_killed_is_no_exception(attach: Attach, clients: SimpleNamespace) -> None:
    world = attach(World(1, Faults(kill_after=1.0)))
    after: list[str] = []

    def swallows() -> None:
        try:
            clients.dynamodb.put_item(TableName=MAIN, Item=key())
        except Exception:
            after.append("swallowed")
        after.append("went on")

    world.spawn("actor", swallows)
    world.run()
    assert after == []
    assert clients.dynamodb.scan(TableName=MAIN)["Count"] == 1, "the effect took place, nobody heard of it"


def test_lost_answers_raise_what_botocore_raises(attach: Attach, clients: SimpleNamespace) -> None:
    world = attach(World(1, Faults(lost_answer=1.0)))
    raised: list[str] = []

    def put() -> None:
        try:
            clients.dynamodb.put_item(TableName=MAIN, Item=key())
        except Exception as error:
            raised.append(type(error).__name__)

    start = world.now_ms()
    world.spawn("actor", put)
    world.run()
    assert raised == ["ReadTimeoutError"]
    assert world.calls["PutItem"] == 3, "the client's own retries went through the wire"
    assert world.now_ms() - start >= 9_000


@pytest.mark.parametrize("strong", [True, False])
def test_stale_reads(attach: Attach, clients: SimpleNamespace, strong: bool) -> None:
    world = attach(World(2, Faults(stale=0.5, lag_ms=1_000)))
    seen: list[int] = []

    def write() -> None:
        for number in range(30):
            clients.dynamodb.put_item(TableName=MAIN, Item={**key(), "x": {"N": str(number)}})
        world.sleep(2)
        late = clients.dynamodb.get_item(TableName=MAIN, Key=key(), ConsistentRead=strong)
        seen.append(int(late["Item"]["x"]["N"]))

    def read() -> None:
        world.sleep(0.01)
        for _ in range(30):
            found = clients.dynamodb.get_item(TableName=MAIN, Key=key(), ConsistentRead=strong)
            seen.append(int(found["Item"]["x"]["N"]) if "Item" in found else -1)

    world.spawn("writer", write)
    world.spawn("reader", read)
    world.run()
    assert (seen[:-1] != sorted(seen[:-1])) is (not strong)
    assert seen[-1] == 29, "older versions are gone after the lag"


def test_stale_index(attach: Attach, clients: SimpleNamespace) -> None:
    """An entry that moves on a board may be seen at its old place, its new place, not at all or at both times."""
    world = attach(World(3, Faults(stale=0.5)))
    orders: set[tuple[str, ...]] = set()

    def move() -> None:
        for order in ("1", "2", "3"):
            clients.dynamodb.put_item(TableName=MAIN, Item={**key(), "board": {"S": "x"}, "order": {"S": order}})
            for _ in range(10):
                found = clients.dynamodb.query(
                    TableName=MAIN,
                    IndexName="order-index",
                    KeyConditionExpression="board = :b",
                    ExpressionAttributeValues={":b": {"S": "x"}},
                )
                orders.add(tuple(item["order"]["S"] for item in found["Items"]))

    world.spawn("mover", move)
    world.run()
    assert orders == {(), ("1",), ("2",), ("3",)}


def test_torn_read(attach: Attach, clients: SimpleNamespace) -> None:
    """Two items written in one transaction, read strongly in one call, and still not of one time."""
    world = attach(World(1, Faults(torn=1.0)))
    pairs: set[tuple[str, ...]] = set()

    def write() -> None:
        for number in range(20):
            puts = [{"Put": {"TableName": MAIN, "Item": {**key(sk), "x": {"N": str(number)}}}} for sk in "ab"]
            clients.dynamodb.transact_write_items(TransactItems=puts)

    def read() -> None:
        world.sleep(0.02)
        for _ in range(10):
            keys = {"Keys": [key("a"), key("b")], "ConsistentRead": True}
            found = clients.dynamodb.batch_get_item(RequestItems={MAIN: keys})["Responses"][MAIN]
            pairs.add(tuple(item["x"]["N"] for item in found))

    world.spawn("writer", write)
    world.spawn("reader", read)
    world.run()
    assert any(len(set(pair)) == 2 for pair in pairs)


def test_a_failing_actor_fails_the_run(attach: Attach) -> None:
    world = attach(World(9))

    def fails() -> None:
        raise ValueError("of its own")

    world.spawn("bad", fails)
    world.spawn("good", world.sleep, 1.0)
    with pytest.raises(AssertionError, match=r"bad failed \(seed 9\)"):
        world.run()


def test_endless_worlds_are_stuck(attach: Attach) -> None:
    world = attach(World(1))

    def forever() -> None:
        while True:
            world.sleep(1)

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
    workers = [who for _, who, *_ in world.trace]
    assert sorted(set(workers)) == [f"parent.{number}" for number in range(6)]
    assert workers != sorted(workers), "they went in an order of the seed's"
