"""Tests of the policies in process: which requests a statement allows, and what a world does with the others."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulated.iam import LEADING_KEYS, Asked, Grant, NotAllowed, Policy, asked_of
from tests.simulated.world import World

TABLE, INDEX = "table/laurel-main", "table/laurel-main/index/by-order"
RESOURCES = {"Table": TABLE, "Queue": "laurel-own"}


def statement(actions: list[str], keys: list[str] | None = None, **changes: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"Effect": "Allow", "Action": actions, "Resource": [{"Fn::GetAtt": ["Table", "Arn"]}]}
    if keys is not None:
        made["Condition"] = {"ForAllValues:StringLike": {LEADING_KEYS: keys}, "Null": {LEADING_KEYS: "false"}}
    return made | changes


def policy(*statements: dict[str, Any]) -> Policy:
    return Policy({"Version": "2012-10-17", "Statement": list(statements)}, RESOURCES)


def get(*keys: str) -> Asked:
    return Asked("dynamodb:GetItem", TABLE, keys)


def test_all_leading_keys_of_a_request_must_match_one_statement() -> None:
    held = policy(statement(["dynamodb:GetItem"], ["A#*", "B"]), statement(["dynamodb:GetItem"], ["C#*"]))
    assert held.allows(get("A#1"))
    assert held.allows(get("A#1", "B", "A#"))
    assert held.allows(get("C#1"))
    assert not held.allows(get("A#1", "C#1"))
    assert not held.allows(get("B#"))
    assert not held.allows(get("xA#"))
    assert not held.allows(get()), "Null refuses a request without keys"
    assert not held.allows(Asked("dynamodb:GetItem", INDEX, ("A#1",)))
    assert not held.allows(Asked("dynamodb:PutItem", TABLE, ("A#1",)))
    assert held.used == {Grant("dynamodb:GetItem", TABLE, key): n for key, n in {"A#*": 3, "B": 1, "C#*": 1}.items()}


def test_a_statement_without_a_condition_allows_all_keys_and_none() -> None:
    held = policy(statement(["dynamodb:Scan"]))
    assert held.allows(Asked("dynamodb:Scan", TABLE))
    assert held.grants == {Grant("dynamodb:Scan", TABLE)}


@pytest.mark.parametrize(
    "changes",
    [
        {"Effect": "Deny"},
        {"NotAction": []},
        {"Condition": {"ForAllValues:StringLike": {LEADING_KEYS: ["A#*"]}}},
        {"Condition": {"ForAnyValue:StringLike": {LEADING_KEYS: ["A#*"]}, "Null": {LEADING_KEYS: "false"}}},
        {"Condition": {"ForAllValues:StringLike": {"dynamodb:Attributes": []}, "Null": {LEADING_KEYS: "false"}}},
    ],
)
def test_a_statement_of_another_kind_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="cannot judge"):
        policy(statement(["dynamodb:GetItem"], ["A#*"], **changes))


def key(pk: str) -> dict[str, Any]:
    return {"pk": {"S": pk}, "sk": {"S": "x"}}


def test_each_action_of_a_transaction_is_held_against_the_keys_of_all_parts() -> None:
    parts = [
        {"Put": {"TableName": "laurel-main", "Item": key("A#1") | {"n": {"N": "1"}}}},
        {"Update": {"TableName": "laurel-main", "Key": key("B#1")}},
        {"ConditionCheck": {"TableName": "laurel-main", "Key": key("A#1")}},
        {"Delete": {"TableName": "laurel-other", "Key": key("C#1")}},
    ]
    assert asked_of("dynamodb", "TransactWriteItems", {"TransactItems": parts}) == [
        Asked("dynamodb:PutItem", TABLE, ("A#1", "B#1")),
        Asked("dynamodb:UpdateItem", TABLE, ("A#1", "B#1")),
        Asked("dynamodb:ConditionCheckItem", TABLE, ("A#1", "B#1")),
        Asked("dynamodb:DeleteItem", "table/laurel-other", ("C#1",)),
    ]


def test_the_leading_key_of_a_query_is_that_of_its_index() -> None:
    query = {
        "TableName": "laurel-main",
        "KeyConditionExpression": "#h = :h AND begins_with(#r, :p)",
        "ExpressionAttributeValues": {":h": {"S": "weekly#2026-W21"}, ":p": {"S": "0"}},
    }
    assert asked_of("dynamodb", "Query", query) == [Asked("dynamodb:Query", TABLE, ("weekly#2026-W21",))]
    of_index = asked_of("dynamodb", "Query", query | {"IndexName": "by-order"})
    assert of_index == [Asked("dynamodb:Query", INDEX, ("weekly#2026-W21",))]
    assert asked_of("dynamodb", "Scan", {"TableName": "laurel-main"}) == [Asked("dynamodb:Scan", TABLE)]


def test_other_requests_need_an_action_on_a_table_a_queue_or_a_bus() -> None:
    batch = {"RequestItems": {"laurel-main": {"Keys": [key("A#1"), key("A#1"), key("B")]}}}
    assert asked_of("dynamodb", "BatchGetItem", batch) == [Asked("dynamodb:BatchGetItem", TABLE, ("A#1", "B"))]
    sent = {"QueueUrl": "https://sqs.simulated/1/laurel-own", "Entries": []}
    assert asked_of("sqs", "SendMessageBatch", sent) == [Asked("sqs:SendMessage", "laurel-own")]
    assert asked_of("events", "PutEvents", {"Entries": [{"EventBusName": "bus"}]}) == [Asked("events:PutEvents", "bus")]


def test_a_request_outside_of_its_policy_fails_the_run_although_its_sender_goes_on(attach: Any, clients: Any) -> None:
    world = attach(World(1))
    world.policies = {"reader": policy(statement(["dynamodb:GetItem"], ["A#*"]))}
    met: list[str] = []

    def read(pk: str) -> None:
        try:
            clients.dynamodb.get_item(TableName="laurel-main", Key=key(pk))
        except Exception as error:
            met.append(repr(error))

    with world.acting_as("reader"):
        read("A#1")
    read("B#1")
    assert met == []
    denied = "reader may not dynamodb:GetItem on table/laurel-main with leading keys B#1"
    with pytest.raises(NotAllowed, match=denied), world.acting_as("reader"):
        read("B#1")
    world.scheduler.failures.clear()
    world.spawn("reader", read, "B#1", role="reader")
    with pytest.raises(AssertionError, match="reader may not dynamodb:GetItem"):
        world.run()
    assert len(met) == 2
