"""Temporary changes of the running stack's settings by API, as an operator makes them."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

from infra.local.stack import Stack

COUNTS = ("", "NotVisible", "Delayed")
SOURCES = ("events", "own", "backfill", "boards")


def until(condition: Callable[[], Any], seconds: float, what: str) -> Any:
    """Return the first true result of `condition`; fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.03)
    return found


def depth(stack: Stack, *keys: str) -> int:
    """Return the number of messages in these queues, those in flight too."""
    client, names = stack.client("sqs"), [f"ApproximateNumberOfMessages{count}" for count in COUNTS]
    total = 0
    for key in keys:
        answer = client.get_queue_attributes(QueueUrl=stack.queue_urls[key], AttributeNames=names)
        total += sum(int(answer["Attributes"].get(name, 0)) for name in names)
    return total


@contextlib.contextmanager
def queues(stack: Stack, keys: tuple[str, ...], **attributes: str) -> Iterator[None]:
    client = stack.client("sqs")
    before = {}
    for key in keys:
        url, names = stack.queue_urls[key], list(attributes)
        before[key] = client.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        client.set_queue_attributes(QueueUrl=url, Attributes=attributes)
    try:
        yield
    finally:
        for key, old in before.items():
            client.set_queue_attributes(QueueUrl=stack.queue_urls[key], Attributes=old)


@contextlib.contextmanager
def receives(stack: Stack, most: int, keys: tuple[str, ...]) -> Iterator[None]:
    """Move a message to the dead letters of its queue after so many deliveries."""
    client = stack.client("sqs")
    with contextlib.ExitStack() as changes:
        for key in keys:
            asked = {"QueueUrl": stack.queue_urls[key], "AttributeNames": ["RedrivePolicy"]}
            policy = json.loads(client.get_queue_attributes(**asked)["Attributes"]["RedrivePolicy"])
            changed = json.dumps(policy | {"maxReceiveCount": most})
            changes.enter_context(queues(stack, (key,), RedrivePolicy=changed))
        yield


@contextlib.contextmanager
def functions(stack: Stack, names: tuple[str, ...], **variables: str) -> Iterator[None]:
    """Run functions laurel-local-<name> with these variables, in new processes. Nothing may be in flight then."""
    client = stack.client("lambda")
    before = {}
    for name in names:
        function = f"laurel-local-{name}"
        found = client.get_function_configuration(FunctionName=function)["Environment"]["Variables"]
        before[function] = found
        client.update_function_configuration(FunctionName=function, Environment={"Variables": found | variables})
    try:
        yield
    finally:
        for function, old in before.items():
            client.update_function_configuration(FunctionName=function, Environment={"Variables": old})


@contextlib.contextmanager
def concurrency(stack: Stack, most: int, names: tuple[str, ...]) -> Iterator[None]:
    """Limit the concurrent batches of each function: every process costs a second of this machine."""
    client = stack.client("lambda")
    before = {}
    for name in names:
        (source,) = client.list_event_source_mappings(FunctionName=f"laurel-local-{name}")["EventSourceMappings"]
        before[source["UUID"]] = source["ScalingConfig"]
        client.update_event_source_mapping(UUID=source["UUID"], ScalingConfig={"MaximumConcurrency": most})
    try:
        yield
    finally:
        for uuid, old in before.items():
            client.update_event_source_mapping(UUID=uuid, ScalingConfig=old)
