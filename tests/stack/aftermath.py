"""Final state of the stack, for the judge of the simulation."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Collection, Iterator
from typing import Any

from chalicelib.services.context import Context
from infra.local.stack import Stack
from tests.pipeline.judge import Scene

LISTENER = "laurel-local-listener"
HOLD_S = 120


@contextlib.contextmanager
def listening(stack: Stack) -> Iterator[str]:
    """Yield the URL of a queue that receives all events on the bus while the block lasts."""
    sqs, bus = stack.client("sqs"), stack.client("events")
    url = stack.endpoint_url + sqs.create_queue(QueueName=LISTENER)["QueueUrl"].split("/", 3)[3].join(("/", ""))
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    bus.put_rule(Name=LISTENER, EventBusName=stack.bus, EventPattern=json.dumps({"source": ["laurel"]}))
    bus.put_targets(Rule=LISTENER, EventBusName=stack.bus, Targets=[{"Id": "listener", "Arn": arn}])
    try:
        yield url
    finally:
        bus.remove_targets(Rule=LISTENER, EventBusName=stack.bus, Ids=["listener"])
        bus.delete_rule(Name=LISTENER, EventBusName=stack.bus)
        sqs.delete_queue(QueueUrl=url)


def scene_of(stack: Stack, context: Context, players: Collection[str], listener: str) -> Scene:
    """Return the scene, with board entries of these players only: other tests share the stack."""
    return Scene(
        context=context,
        items=[item for item in items_of(stack) if not _of_others(item, players)],
        rejected=received(stack, stack.queue_urls["rejected"]),
        published={str(json.loads(body)["detail"]["id"]) for body in received(stack, listener)},
        received_ms=time.time_ns() // 1_000_000,
    )


def items_of(stack: Stack) -> list[dict[str, Any]]:
    """Return all items of the table."""
    pages = stack.client("dynamodb").get_paginator("scan").paginate(TableName=stack.table, ConsistentRead=True)
    return [item for page in pages for item in page["Items"]]


def _of_others(item: dict[str, Any], players: Collection[str]) -> bool:
    return bool(item["pk"]["S"].startswith("BOARD#") and item["sk"]["S"].removeprefix("ENTRY#player:") not in players)


def boards_of(stack: Stack) -> list[str]:
    """Return every board with a writer's log; each has one shard."""
    pages = stack.client("dynamodb").get_paginator("scan").paginate(TableName=stack.table, ConsistentRead=True)
    return [
        item["pk"]["S"].removeprefix("BOARD_LOG#")
        for page in pages
        for item in page["Items"]
        if item["sk"]["S"] == "LOG"
    ]


def received(stack: Stack, url: str) -> list[str]:
    """Return the bodies of all messages of a queue. The messages stay there, hidden for a while."""
    found: list[str] = []
    while True:
        answer = stack.client("sqs").receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=HOLD_S, WaitTimeSeconds=0
        )
        if not answer.get("Messages"):
            return found
        found += [message["Body"] for message in answer["Messages"]]
