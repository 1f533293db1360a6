"""Tests of manual changes in the table: `laurel board verify` finds them, `repair` corrects them during updates."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from infra.local.stack import Stack
from tests.stack.conftest import Http
from tests.stack.test_stack_pipeline import event, quiet, run_laurel, send

PLAYERS = [f"hand-{number}" for number in range(12)]
BOARD = "global#all"
EVERY_S = 0.1
MakeKey = Callable[..., str]


@pytest.fixture
def populated(stack: Stack) -> None:
    send(stack, *([event(player, 0, model=f"m-{number}") for number in range(place + 1)]
                  for place, player in enumerate(PLAYERS[:10])))  # fmt: skip
    send(stack, *([event(player, number) for number in range(3)] for player in PLAYERS[10:]))
    quiet(stack)


@pytest.mark.proof
def test_manual_changes_are_found_and_repaired_during_updates(
    stack: Stack, http: Http, key: MakeKey, populated: None
) -> None:
    admin, player = key("auditor", "admin"), PLAYERS[3]
    assert run_laurel(stack, "board", "verify", "global") == ""
    node, digit = miscount(stack)
    before, after = overrate(stack, player)

    found = run_laurel(stack, "board", "verify", "global", "--wait", "0.2", status=1)
    assert re.search(rf"node {re.escape(node)} digit {digit}: expected \d+, found \d+", found), found
    assert re.search(rf"entry player:{player}: expected score {before} at .*found {after} at", found), found

    with updates(stack, [name for name in PLAYERS if name != player]) as sent:
        repaired = run_laurel(stack, "board", "repair", "global", "--wait", "0.5")
    assert len(sent) > 3, "updates continued"
    assert f"repaired: node {node} digit" in repaired
    assert f"repaired: entry player:{player}" in repaired
    quiet(stack)
    assert run_laurel(stack, "board", "verify", "global") == ""
    shown = http.board("global", admin)
    assert {name: shown[name] for name in PLAYERS} == {
        name: http.get(f"players/{name}", admin)["xp"] for name in PLAYERS
    }


def miscount(stack: Stack) -> tuple[str, int]:
    """Set one counter of a leaf three too high. Return (node, digit)."""
    client = stack.client("dynamodb")
    asked = {":p": {"S": f"NODE#{BOARD}"}, ":s": {"S": "0."}}
    condition = "pk = :p AND begins_with(sk, :s)"
    found = client.query(
        TableName=stack.table, KeyConditionExpression=condition, ExpressionAttributeValues=asked, ConsistentRead=True
    )["Items"]
    node = found[0]
    counter = min(name for name in node if re.fullmatch("[0-9A-F]{2}", name))
    client.update_item(
        TableName=stack.table,
        Key={name: node[name] for name in ("pk", "sk")},
        UpdateExpression="ADD #c :three",
        ExpressionAttributeNames={"#c": counter},
        ExpressionAttributeValues={":three": {"N": "3"}},
    )
    return node["sk"]["S"], int(counter, 16)


def overrate(stack: Stack, player: str) -> tuple[int, int]:
    """Change the score of an entry and nothing else. Return (before, after)."""
    old = stack.client("dynamodb").update_item(
        TableName=stack.table,
        Key={"pk": {"S": f"BOARD#{BOARD}"}, "sk": {"S": f"ENTRY#player:{player}"}},
        UpdateExpression="ADD score :five",
        ExpressionAttributeValues={":five": {"N": "5"}},
        ReturnValues="UPDATED_OLD",
    )["Attributes"]
    score = int(old["score"]["N"])
    return score, score + 5


@contextmanager
def updates(stack: Stack, players: list[str]) -> Iterator[list[dict[str, Any]]]:
    """Send events of these players, one after the other, while the block lasts. Yield the sent events."""
    sent: list[dict[str, Any]] = []
    over = threading.Event()

    def keep_sending() -> None:
        while not over.is_set():
            occurred = event(players[len(sent) % len(players)], 100 + len(sent))
            send(stack, occurred)
            sent.append(occurred)
            time.sleep(EVERY_S)

    thread = threading.Thread(target=keep_sending)
    thread.start()
    try:
        yield sent
    finally:
        over.set()
        thread.join()
