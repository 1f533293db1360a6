"""Take the table and queues that an earlier stack kept into a new stack: `make deploy IMPORT=1`.

A protected stack leaves them when it is deleted. CloudFormation creates no resource whose name exists, so a new stack
has to begin with their import.
"""

from __future__ import annotations

import json
import time
from typing import Any

from infra import cloudformation
from infra.cloudformation import POLL_S, DeployError
from infra.settings import APP, QUEUES, Build
from infra.template import table

Json = dict[str, Any]


def import_kept(client: Any, dynamodb: Any, sqs: Any, build: Build, poll_s: float = POLL_S) -> None:
    """Create the stack of `build` by importing what exists. Raises DeployError if nothing does, or if the stack exists.

    A deployment afterwards adds all other resources, and the settings of the queues.
    """
    if cloudformation.describe(client, build.prefix):
        raise DeployError(f"Stack {build.prefix} exists, so nothing can be imported: deploy without IMPORT=1.")
    found = [each for each in (_table(dynamodb, build), *_queues(sqs, build)) if each]
    if not found:
        raise DeployError(f"No table or queue of {build.prefix} exists: deploy without IMPORT=1.")
    change_set = f"{APP}-import-{time.time_ns() // 1_000_000}"
    client.create_change_set(
        StackName=build.prefix,
        ChangeSetName=change_set,
        ChangeSetType="IMPORT",
        TemplateBody=json.dumps({"Resources": {name: resource for name, resource, _ in found}}),
        ResourcesToImport=[
            {"ResourceType": resource["Type"], "LogicalResourceId": name, "ResourceIdentifier": identifier}
            for name, resource, identifier in found
        ],
    )
    cloudformation.execute(client, build.prefix, change_set, "IMPORT", poll_s)


def _table(dynamodb: Any, build: Build) -> tuple[str, Json, Json] | None:
    resource = table(build)
    try:
        dynamodb.describe_table(TableName=build.prefix)
    except dynamodb.exceptions.ResourceNotFoundException:
        return None
    return "Table", resource, {"TableName": build.prefix}


def _queues(sqs: Any, build: Build) -> list[tuple[str, Json, Json]]:
    """Return the queues that exist, with their names alone: an import changes and compares no other property."""
    found = []
    for each in QUEUES:
        name = f"{build.prefix}-{each.name}"
        try:
            url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        except sqs.exceptions.QueueDoesNotExist:
            continue
        properties = {"QueueName": name} | ({"FifoQueue": True} if each.fifo else {})
        resource = {"Type": "AWS::SQS::Queue", "DeletionPolicy": "Retain", "Properties": properties}
        found.append((each.logical_id, resource, {"QueueUrl": url}))
    return found
