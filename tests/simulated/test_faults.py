"""Every fault meets a call, and has its effect."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from tests.simulated import Faults, Killed, World

MAIN = "laurel-main"
Attach = Callable[[World], World]


def key(sk: str = "s") -> dict[str, Any]:
    return {"pk": {"S": "p"}, "sk": {"S": sk}}


def busy(clients: SimpleNamespace, url: str, world: World) -> None:
    """Make one of each kind of call, and ignore failures."""
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
        after.append("continued")

    world.spawn("actor", swallows)
    world.run()
    assert after == []
    assert clients.dynamodb.scan(TableName=MAIN)["Count"] == 1, "the effect took place without an answer"


def test_lost_answers_raise_the_errors_of_botocore(attach: Attach, clients: SimpleNamespace) -> None:
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
    counts_read: list[int] = []

    def write() -> None:
        for number in range(30):
            clients.dynamodb.put_item(TableName=MAIN, Item={**key(), "x": {"N": str(number)}})
        world.sleep(2)
        late = clients.dynamodb.get_item(TableName=MAIN, Key=key(), ConsistentRead=strong)
        counts_read.append(int(late["Item"]["x"]["N"]))

    def read() -> None:
        world.sleep(0.01)
        for _ in range(30):
            found = clients.dynamodb.get_item(TableName=MAIN, Key=key(), ConsistentRead=strong)
            counts_read.append(int(found["Item"]["x"]["N"]) if "Item" in found else -1)

    world.spawn("writer", write)
    world.spawn("reader", read)
    world.run()
    assert (counts_read[:-1] != sorted(counts_read[:-1])) is (not strong)
    assert counts_read[-1] == 29, "older versions expire after the lag"


def test_stale_index(attach: Attach, clients: SimpleNamespace) -> None:
    """Test an entry that moves on a board: it may be at its old place, its new place, at neither or at both."""
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
    """Test two items written in one transaction, and read strongly in one call at two moments."""
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
