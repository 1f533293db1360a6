"""Tests of the policies on a stack that enforces them: the functions can do their work."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest

from chalicelib.gateways.queues import NotCounted, SqsQueues
from chalicelib.services.events.backlog import SOURCES
from infra.local.stack import Stack
from infra.policies import function_name
from infra.settings import FUNCTIONS, Build, Function
from tests.infra.test_stack import depth, until

LOCAL = Build("local", "local")
TICK = {
    "version": "0",
    "id": "1",
    "source": "aws.events",
    "account": "000000000000",
    "region": "us-east-1",
    "detail-type": "Scheduled Event",
    "time": "2026-01-01T00:00:00Z",
    "resources": [],
    "detail": {},
}


def logs(stack: Stack, function: Function, since_s: float) -> list[str]:
    """Return the function's log since then: earlier tests may have caused refusals."""
    client, group = stack.client("logs"), f"/aws/lambda/{function_name(LOCAL, function)}"
    since_ms = int(since_s * 1000)
    pages = client.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=since_ms)
    return [event["message"] for page in pages for event in page["events"]]


def ranked(stack: Stack) -> set[str]:
    """Return the players on any board."""
    items = stack.client("dynamodb").scan(TableName=stack.table)["Items"]
    return {item["sk"]["S"].removeprefix("ENTRY#player:") for item in items if "board" in item}


def event(player: str) -> dict[str, Any]:
    now = datetime.now(UTC).isoformat()
    return {"type": "request.completed", "apiKeyId": player, "id": f"{player}-1", "time": now, "metadata": {}}


def send(stack: Stack, key: str, body: Any) -> None:
    stack.client("sqs").send_message(QueueUrl=stack.queue_urls[key], MessageBody=json.dumps(body))


def test_functions_are_refused_nothing(stack: Stack) -> None:
    began = time.time()
    sources = ("events", "own", "backfill")
    rejected = depth(stack, "rejected")
    for key in sources:
        send(stack, key, event(f"player-{key}"))
        send(stack, key, {"nonsense": 1})
    assert until(lambda: depth(stack, "rejected") >= rejected + len(sources), 60)
    assert until(lambda: ranked(stack) >= {f"player-{key}" for key in sources}, 60), ranked(stack)
    for name in ("sweep", "rotate", "archive", "verify", "verify-ledger"):
        ran = stack.client("lambda").invoke(FunctionName=f"laurel-local-{name}", Payload=json.dumps(TICK))
        assert "FunctionError" not in ran, ran["Payload"].read()

    assert logs(stack, FUNCTIONS[1], began)
    refused = [line for function in FUNCTIONS for line in logs(stack, function, began) if "AccessDenied" in line]
    assert refused == []


def ask(stack: Stack, path: str, key: str = "", body: Any = None) -> tuple[int, Any]:
    """Send a request with `key`. Return its status and JSON."""
    content = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"} | ({"X-API-Key": key} if key else {})
    request = urllib.request.Request(f"{stack.api_url}/api/gamification/{path}", content, headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.status, json.loads(answer.read())


def test_the_api_is_refused_nothing(stack: Stack) -> None:
    began = time.time()
    create = [str(Path(sys.executable).with_name("laurel")), "key", "create", "--player", "gateway"]
    create += [part for name in ("player", "events:write", "awards:grant", "admin") for part in ("--permission", name)]
    made = subprocess.run(create, env=os.environ | stack.environment(), capture_output=True, text=True, check=True)
    key = made.stdout.strip()
    award = {"player": "gateway", "points": 5, "reason": "test", "key": "test-1"}
    assert ask(stack, "events", key, event("over-http"))[0] == 202
    assert ask(stack, "awards", key, award)[0] == 202
    assert ask(stack, "profile", key)[0] == 200
    assert ask(stack, "leaderboard")[0] == 200
    assert ask(stack, "rank", key)[0] == 200
    assert ask(stack, "health", key)[1]["status"] in ("ok", "degraded")
    assert [line for line in logs(stack, FUNCTIONS[0], began) if "AccessDenied" in line] == []


def sqs_of(stack: Stack, role_name: str) -> Any:
    """Return a client with a function's own role."""
    roles = stack.client("iam").list_roles()["Roles"]
    (role,) = [role["Arn"] for role in roles if role_name in role["RoleName"]]
    session = stack.client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    return boto3.client(
        "sqs",
        endpoint_url=stack.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id=session["AccessKeyId"],
        aws_secret_access_key=session["SecretAccessKey"],
        aws_session_token=session["SessionToken"],
    )


def test_a_function_has_no_other_permission(stack: Stack) -> None:
    """The emulator refuses a function's role an action that only another one may do."""
    sqs = sqs_of(stack, "BoardsRole")
    with pytest.raises(sqs.exceptions.ClientError, match="not authorized"):
        sqs.send_message(QueueUrl=stack.queue_urls["events"], MessageBody="{}")


def test_rotate_may_count_the_messages_that_hold_a_freeze(stack: Stack) -> None:
    """By day no freeze is held, so the function itself does not count messages."""
    queues = SqsQueues(sqs_of(stack, "RotateRole"), stack.queue_urls, lambda attempt: None)
    assert until(lambda: [queues.backlog(queue) for queue in SOURCES] == [0] * len(SOURCES), 60)
    with pytest.raises(NotCounted, match="not authorized"):
        queues.backlog("rejected")
