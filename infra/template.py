"""The template that is merged into Chalice's generated one: everything that Chalice cannot express.

`python -m infra.template STAGE [aws|local]` prints it.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from chalicelib.domain.rules.ruleset import load
from chalicelib.settings import RULESETS
from infra import gateway, layers, tables
from infra.alarms import alarm
from infra.alarms.catalogue import resources as alarm_resources
from infra.dashboard import dashboard
from infra.policies import function_name
from infra.settings import (
    API_FUNCTION,
    API_STAGE,
    FUNCTIONS,
    INDEX_ATTRIBUTES,
    LOCAL_CONCURRENCY,
    MAX_EVENT_AGE_S,
    MAX_EVENT_MESSAGE,
    MAX_RECEIVES,
    ORDER_INDEX,
    QUEUE,
    QUEUES,
    SOURCES,
    Build,
    Function,
    Queue,
)

Json = dict[str, Any]


def merge_template(build: Build, ruleset: str = "default.toml", ruleset_id: str = "") -> Json:
    """Return the template for `chalice package --merge-template`.

    `ruleset`: a file name inside chalicelib/rulesets. `ruleset_id`: the id of its content.
    """
    resources: Json = {
        "Table": table(build),
        "Bus": bus(build),
        "RestAPI": {"Properties": gateway.rest_api(build)},
    }
    resources |= {item.logical_id: queue(build, item) for item in QUEUES}
    resources |= {item.logical_id: function(build, item, ruleset) for item in FUNCTIONS}
    resources |= layers.resources(build)
    resources |= {log_group_id(item): log_group(item) for item in FUNCTIONS}
    resources |= alarm_resources(build)
    resources["Dashboard"] = dashboard(build)
    if build.target == "local":
        resources |= gateway.local_domain()
    return {
        "Description": f"Laurel, stage {build.stage}",
        "Parameters": alarm.parameters(),
        "Conditions": alarm.conditions(),
        "Resources": resources,
        "Outputs": outputs(build, ruleset_id or load(RULESETS / ruleset).id),
    }


def table(build: Build) -> Json:
    kept = "Retain" if build.protected else "Delete"
    names = ("pk", "sk", "board", "order")
    return {
        "Type": "AWS::DynamoDB::Table",
        "DeletionPolicy": kept,
        "UpdateReplacePolicy": kept,
        "Properties": {
            "TableName": build.prefix,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in names],
            "KeySchema": _keys("pk", "sk"),
            "GlobalSecondaryIndexes": [
                {
                    "IndexName": ORDER_INDEX,
                    "KeySchema": _keys("board", "order"),
                    "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": INDEX_ATTRIBUTES},
                }
            ],
            "TimeToLiveSpecification": {"AttributeName": "expires", "Enabled": True},
            "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
            "SSESpecification": {"SSEEnabled": True},
            "DeletionProtectionEnabled": build.protected,
        },
    }


def _keys(hash_key: str, range_key: str) -> list[Json]:
    return [
        {"AttributeName": hash_key, "KeyType": "HASH"},
        {"AttributeName": range_key, "KeyType": "RANGE"},
    ]


def bus(build: Build) -> Json:
    return {"Type": "AWS::Events::EventBus", "Properties": {"Name": build.prefix}}


def queue(build: Build, item: Queue) -> Json:
    properties: Json = {
        "QueueName": f"{build.prefix}-{item.name}",
        "MessageRetentionPeriod": item.retention_s,
        "VisibilityTimeout": item.visibility_s,
        "SqsManagedSseEnabled": True,
    }
    if item.key in SOURCES:
        # A batch of a hundred messages fits a worker's memory; a sender must split longer arrays.
        properties["MaximumMessageSize"] = MAX_EVENT_MESSAGE
    if item.fifo:
        # Boards are independent of each other: throughput and deduplication apply per message group.
        properties |= {
            "FifoQueue": True,
            "DeduplicationScope": "messageGroup",
            "FifoThroughputLimit": "perMessageGroupId",
        }
    if item.dead_letter:
        properties["RedrivePolicy"] = {
            "deadLetterTargetArn": {"Fn::GetAtt": [QUEUE[item.dead_letter].logical_id, "Arn"]},
            "maxReceiveCount": MAX_RECEIVES,
        }
    kept: Json = {}
    if build.protected:
        # A queue that a failed deployment has just created holds nothing and would make the next one fail.
        kept = {"DeletionPolicy": "RetainExceptOnCreate", "UpdateReplacePolicy": "Retain"}
    return {"Type": "AWS::SQS::Queue", **kept, "Properties": properties}


def function(build: Build, item: Function, ruleset: str) -> Json:
    properties: Json = {
        "FunctionName": function_name(build, item),
        "Environment": {"Variables": environment(build, item, ruleset)},
    }
    if item.name == API_FUNCTION:
        # Chalice says app.app, which loads the workers too.
        properties["Handler"] = item.handler
    if item.extra:
        properties["Layers"] = [{"Ref": layers.logical_id(item.extra)}]
    if item.is_scheduled:
        # The next run makes up for one that failed. An event that waits longer than the shortest schedule is late.
        properties["EventInvokeConfig"] = {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": MAX_EVENT_AGE_S}
    if item.queue:
        properties["Events"] = {item.event_id: {"Type": "SQS", "Properties": event_source(build, item)}}
    return {"Properties": properties}


def log_group_id(item: Function) -> str:
    """Return Chalice's logical id.

    It is made of Chalice's own function name, which for the API is not the logical id.
    """
    return item.role_id.removesuffix("Role") + "LogGroup"


def log_group(item: Function) -> Json:
    """Return the log group's name. Chalice refers to ${ApiHandler}, which does not exist."""
    return {"Properties": {"LogGroupName": {"Fn::Sub": "/aws/lambda/${" + item.logical_id + "}"}}}


def event_source(build: Build, item: Function) -> Json:
    """Return the event source with FunctionResponseTypes.

    Chalice omits it; without it SQS deletes failed messages too.
    """
    assert item.queue is not None
    source: Json = {
        # The same intrinsic as Chalice's, so that the merge replaces its guess of the ARN.
        "Queue": {"Fn::Sub": "${" + QUEUE[item.queue].logical_id + ".Arn}"},
        "BatchSize": item.batch_size,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "MaximumBatchingWindowInSeconds": item.window_s,
    }
    if item.concurrency:
        most = LOCAL_CONCURRENCY if build.target == "local" else item.concurrency
        source["ScalingConfig"] = {"MaximumConcurrency": min(item.concurrency, most)}
    return source


def environment(build: Build, item: Function, ruleset: str) -> Json:
    values: Json = {
        "LAUREL_STAGE": build.stage,
        "LAUREL_TABLE": tables.name(build),
        "LAUREL_BUS": {"Ref": "Bus"},
        "LAUREL_RULESET": ruleset,
        "LAUREL_CORS_ORIGIN": build.cors_origin,
        "LAUREL_TRACING": "1" if build.tracing else "0",
        "LAUREL_THREADS": str(item.threads),
    }
    for each in QUEUES:
        values[f"LAUREL_{each.key.upper()}_QUEUE"] = {"Ref": each.logical_id}
    return values


def outputs(build: Build, ruleset_id: str) -> Json:
    """Return the outputs that the `laurel` command reads.

    The ruleset's id changes, and rolls back, with the functions.
    """
    found: Json = {
        "TableName": {"Value": tables.name(build)},
        "BusName": {"Value": {"Ref": "Bus"}},
        "RulesetId": {"Value": ruleset_id, "Description": "Version and digest of the ruleset in use"},
    }
    if build.target == "aws":
        api = "https://${RestAPI}.execute-api.${AWS::Region}.${AWS::URLSuffix}/" + API_STAGE
        found["ApiUrl"] = {"Value": {"Fn::Sub": api}, "Description": "Base URL of the API"}
    for item in QUEUES:
        found[f"{item.logical_id}Url"] = {"Value": {"Ref": item.logical_id}}
    return found


if __name__ == "__main__":
    chosen = Build(sys.argv[1], "local" if sys.argv[2:] == ["local"] else "aws")
    print(json.dumps(merge_template(chosen), indent=2))
