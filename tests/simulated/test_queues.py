"""SQS and EventBridge without a world: visibility, order, dead letters, dedupe, limits."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from tests.simulated import AwsError, Call, EventBridge, Sqs, lambda_event
from tests.simulated.queue import DEDUPE_MS, NUMBERS


class Queues:
    """A service with a clock of its own."""

    def __init__(self) -> None:
        self.sqs = Sqs(random.Random(1))
        self.now_ms = 1_000_000

    def __call__(self, operation: str, **request: Any) -> dict[str, Any]:
        return self.sqs.execute(operation, request, Call(self.now_ms))

    def queue(self, name: str, **attributes: str) -> str:
        return str(self("CreateQueue", QueueName=name, Attributes=attributes)["QueueUrl"])

    def receive(self, url: str, most: int = 10, **more: Any) -> list[dict[str, Any]]:
        found = self("ReceiveMessage", QueueUrl=url, MaxNumberOfMessages=most, AttributeNames=["All"], **more)
        return list(found.get("Messages", []))


@pytest.fixture
def queues() -> Queues:
    return Queues()


def bodies(messages: list[dict[str, Any]]) -> list[str]:
    return [message["Body"] for message in messages]


def test_visibility(queues: Queues) -> None:
    url = queues.queue("q", VisibilityTimeout="30")
    sent = queues("SendMessage", QueueUrl=url, MessageBody="one")
    (first,) = queues.receive(url)
    assert first["MessageId"] == sent["MessageId"]
    assert first["Attributes"]["ApproximateReceiveCount"] == "1"
    assert first["Attributes"]["SentTimestamp"] == "1000000"
    queues.now_ms += 29_999
    assert queues.receive(url) == []
    queues.now_ms += 1
    (second,) = queues.receive(url, VisibilityTimeout=5)
    assert second["Attributes"]["ApproximateReceiveCount"] == "2"
    assert second["Attributes"]["ApproximateFirstReceiveTimestamp"] == "1000000"
    assert second["ReceiptHandle"] != first["ReceiptHandle"]
    queues("ChangeMessageVisibility", QueueUrl=url, ReceiptHandle=second["ReceiptHandle"], VisibilityTimeout=0)
    assert len(queues.receive(url)) == 1
    with pytest.raises(AwsError, match="not available for visibility"):
        queues("ChangeMessageVisibility", QueueUrl=url, ReceiptHandle=first["ReceiptHandle"], VisibilityTimeout=9)
    queues("DeleteMessage", QueueUrl=url, ReceiptHandle=first["ReceiptHandle"])
    queues.now_ms += 60_000
    assert queues.receive(url) == [], "the handle of an earlier receipt deletes a standard message too"


def numbers(queues: Queues, url: str, stale: float = 0.0) -> tuple[int, int, int]:
    """Return the numbers of messages that wait, that are in flight, and that are delayed."""
    request = {"QueueUrl": url, "AttributeNames": list(NUMBERS)}
    found = queues.sqs.execute("GetQueueAttributes", request, Call(queues.now_ms, queues.sqs.rng, stale=stale))
    waiting, flying, delayed = (int(found["Attributes"][name]) for name in NUMBERS)
    return waiting, flying, delayed


def test_numbers_of_messages(queues: Queues) -> None:
    url = queues.queue("q", VisibilityTimeout="30")
    for number in range(5):
        queues("SendMessage", QueueUrl=url, MessageBody=f"m{number}", DelaySeconds=10 * (number == 4))
    first, *_ = queues.receive(url, 2)
    assert numbers(queues, url) == (2, 2, 1)
    queues("DeleteMessage", QueueUrl=url, ReceiptHandle=first["ReceiptHandle"])
    assert numbers(queues, url) == (2, 1, 1)
    queues.now_ms += 10_000
    assert numbers(queues, url) == (3, 1, 0)
    queues.now_ms += 20_000
    assert numbers(queues, url) == (4, 0, 0)
    queues("PurgeQueue", QueueUrl=url)
    assert numbers(queues, url) == (0, 0, 0)


def test_stale_numbers_are_of_the_last_minute_each_of_a_moment_of_its_own(queues: Queues) -> None:
    queues.sqs = Sqs(random.Random(1), past_ms=60_000)
    url = queues.queue("q", VisibilityTimeout="600")
    queues("SendMessage", QueueUrl=url, MessageBody="one")
    assert numbers(queues, url) == (1, 0, 0), "only a stale answer is old"
    queues.now_ms += 30_000
    (message,) = queues.receive(url)
    queues.now_ms += 20_000
    answers = {numbers(queues, url, stale=1.0) for _ in range(200)}
    assert answers == {(0, 0, 0), (1, 0, 0), (0, 1, 0), (1, 1, 0)}, "missed, before, now, counted twice"
    assert {numbers(queues, url) for _ in range(20)} == {(0, 1, 0)}
    queues.now_ms += 61_000
    assert {numbers(queues, url, stale=1.0) for _ in range(50)} == {(0, 1, 0)}, "no older than a minute"
    queues("DeleteMessage", QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    queues.now_ms += 20_000
    assert {numbers(queues, url, stale=1.0) for _ in range(50)} == {(0, 1, 0), (0, 0, 0)}
    queues.now_ms += 41_000
    assert {numbers(queues, url, stale=1.0) for _ in range(50)} == {(0, 0, 0)}


def test_delay(queues: Queues) -> None:
    url = queues.queue("q", DelaySeconds="10")
    queues("SendMessage", QueueUrl=url, MessageBody="late")
    queues("SendMessage", QueueUrl=url, MessageBody="soon", DelaySeconds=0)
    assert bodies(queues.receive(url)) == ["soon"]
    queues.now_ms += 10_000
    assert bodies(queues.receive(url)) == ["late"]


def test_dead_letters_keep_their_time(queues: Queues) -> None:
    dead = queues.queue("dead")
    policy = {"deadLetterTargetArn": queues.sqs.queue(dead).arn, "maxReceiveCount": 2}
    url = queues.queue("q", VisibilityTimeout="1", RedrivePolicy=json.dumps(policy))
    queues("SendMessage", QueueUrl=url, MessageBody="poison")
    for _ in range(2):
        assert len(queues.receive(url)) == 1
        queues.now_ms += 1_000
    assert queues.receive(url) == []
    (message,) = queues.receive(dead)
    assert message["Attributes"]["SentTimestamp"] == "1000000"
    assert message["Attributes"]["DeadLetterQueueSourceArn"].endswith(":q")
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"


def test_retention(queues: Queues) -> None:
    url = queues.queue("q", MessageRetentionPeriod="60")
    queues("SendMessage", QueueUrl=url, MessageBody="old")
    queues.now_ms += 60_001
    assert queues.receive(url) == []
    assert [message.body for message in queues.sqs.queue(url).expired] == ["old"]


def test_batches_fail_in_part(queues: Queues) -> None:
    url = queues.queue("q", MaximumMessageSize="1024")
    entries = [{"Id": "a", "MessageBody": "ok"}, {"Id": "b", "MessageBody": "x" * 1025}]
    answer = queues("SendMessageBatch", QueueUrl=url, Entries=entries)
    assert [entry["Id"] for entry in answer["Successful"]] == ["a"]
    assert [(entry["Id"], entry["SenderFault"]) for entry in answer["Failed"]] == [("b", True)]
    (message,) = queues.receive(url)
    handles = [{"Id": "0", "ReceiptHandle": message["ReceiptHandle"]}, {"Id": "1", "ReceiptHandle": "nonsense"}]
    answer = queues("DeleteMessageBatch", QueueUrl=url, Entries=handles)
    assert [entry["Id"] for entry in answer["Failed"]] == ["1"]


@pytest.mark.parametrize(
    ("entries", "code"),
    [
        ([], "EmptyBatchRequest"),
        ([{"Id": str(n), "MessageBody": "x"} for n in range(11)], "TooManyEntriesInBatchRequest"),
        ([{"Id": "a", "MessageBody": "x"}] * 2, "BatchEntryIdsNotDistinct"),
        ([{"Id": "a b", "MessageBody": "x"}], "InvalidBatchEntryId"),
        ([{"Id": str(n), "MessageBody": "x" * 200_000} for n in range(6)], "BatchRequestTooLong"),
    ],
)
def test_refused_batches(queues: Queues, entries: list[dict[str, Any]], code: str) -> None:
    url = queues.queue("q")
    with pytest.raises(AwsError) as refused:
        queues("SendMessageBatch", QueueUrl=url, Entries=entries)
    assert refused.value.code == code


@pytest.fixture
def fifo(queues: Queues) -> str:
    return queues.queue("q.fifo", FifoQueue="true", VisibilityTimeout="30")


def send(queues: Queues, url: str, group: str, body: str, dedupe: str = "") -> dict[str, Any]:
    return queues(
        "SendMessage", QueueUrl=url, MessageBody=body, MessageGroupId=group, MessageDeduplicationId=dedupe or body
    )


def test_groups_keep_their_order(queues: Queues, fifo: str) -> None:
    for group, body in (("a", "a1"), ("b", "b1"), ("a", "a2"), ("a", "a3"), ("b", "b2")):
        send(queues, fifo, group, body)
    first = queues.receive(fifo, 2)
    assert bodies(first) == ["a1", "a2"]
    assert bodies(queues.receive(fifo)) == ["b1", "b2"], "group a waits until its batch is done"
    assert queues.receive(fifo) == []
    queues("DeleteMessage", QueueUrl=fifo, ReceiptHandle=first[0]["ReceiptHandle"])
    assert queues.receive(fifo) == []
    queues("DeleteMessage", QueueUrl=fifo, ReceiptHandle=first[1]["ReceiptHandle"])
    (third,) = queues.receive(fifo)
    assert third["Body"] == "a3"
    queues.now_ms += 30_000
    assert sorted(bodies(queues.receive(fifo))) == ["a3", "b1", "b2"]
    with pytest.raises(AwsError, match="expired"):
        queues("DeleteMessage", QueueUrl=fifo, ReceiptHandle=third["ReceiptHandle"])


def test_dedupe_lasts_five_minutes(queues: Queues, fifo: str) -> None:
    first = send(queues, fifo, "a", "one")
    assert send(queues, fifo, "a", "one")["SequenceNumber"] == first["SequenceNumber"]
    queues("DeleteMessage", QueueUrl=fifo, ReceiptHandle=queues.receive(fifo)[0]["ReceiptHandle"])
    queues.now_ms += DEDUPE_MS - 1
    send(queues, fifo, "a", "one")
    assert queues.receive(fifo) == []
    queues.now_ms += 1
    assert send(queues, fifo, "a", "one")["MessageId"] != first["MessageId"]
    assert len(queues.receive(fifo)) == 1


def test_fifo_needs_its_ids(queues: Queues, fifo: str) -> None:
    with pytest.raises(AwsError, match="MessageGroupId"):
        queues("SendMessage", QueueUrl=fifo, MessageBody="x")
    with pytest.raises(AwsError, match="MessageDeduplicationId"):
        queues("SendMessage", QueueUrl=fifo, MessageBody="x", MessageGroupId="g")
    content = queues.queue("c.fifo", FifoQueue="true", ContentBasedDeduplication="true")
    for body in ("x", "x", "y"):
        queues("SendMessage", QueueUrl=content, MessageBody=body, MessageGroupId="g")
    assert bodies(queues.receive(content)) == ["x", "y"]


def test_lambda_event(queues: Queues, fifo: str) -> None:
    queues(
        "SendMessage",
        QueueUrl=fifo,
        MessageBody="hello",
        MessageGroupId="g",
        MessageDeduplicationId="d",
        MessageAttributes={"kind": {"DataType": "String", "StringValue": "x"}},
    )
    queue = queues.sqs.queue(fifo)
    (record,) = lambda_event(queue, queues.sqs.take(queue, 10, None, Call(queues.now_ms)))["Records"]
    assert set(record) == {
        "messageId", "receiptHandle", "body", "attributes", "messageAttributes", "md5OfBody", "md5OfMessageAttributes",
        "eventSource", "eventSourceARN", "awsRegion",
    }  # fmt: skip
    assert record["md5OfBody"] == "5d41402abc4b2a76b9719d911017c592"
    assert record["eventSource"] == "aws:sqs"
    assert record["messageAttributes"]["kind"]["stringValue"] == "x"
    assert record["attributes"]["MessageGroupId"] == "g"
    assert record["attributes"]["MessageDeduplicationId"] == "d"


def test_unknown_queue(queues: Queues) -> None:
    with pytest.raises(AwsError) as refused:
        queues("GetQueueUrl", QueueName="nowhere")
    assert refused.value.legacy_code == "AWS.SimpleQueueService.NonExistentQueue"


def entry(**changes: Any) -> dict[str, Any]:
    return {"Source": "laurel", "DetailType": "level.up", "Detail": "{}", "EventBusName": "bus", **changes}


def test_put_events() -> None:
    bus = EventBridge(random.Random(1))
    request = {"Entries": [entry(), entry(Detail="not json"), entry(Source="")]}
    answer = bus.execute("PutEvents", request, Call(5))
    assert answer["FailedEntryCount"] == 2
    assert [result.get("ErrorCode") for result in answer["Entries"]] == [None, "MalformedDetail", "InvalidArgument"]
    assert [(event.bus, event.detail_type, event.at_ms) for event in bus.published] == [("bus", "level.up", 5)]
    for bad in ([], [entry()] * 11, [entry(Detail=json.dumps({"x": "y" * 300_000}))]):
        with pytest.raises(AwsError):
            bus.execute("PutEvents", {"Entries": bad}, Call())
