"""Tests of the import of resources that an earlier stack kept, with scripted answers of CloudFormation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from infra.cloudformation import DeployError
from infra.kept import import_kept
from infra.settings import QUEUE, QUEUES, Build
from infra.template import merge_template
from tests.infra.test_cloudformation import WHERE, Cloud

BUILD = Build("test", "aws")


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        yield boto3.Session("x", "x", region_name="eu-west-1")


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    cloud = Cloud()
    yield cloud
    cloud.script.assert_no_pending_responses()


def keep(session: Any, queues: list[str]) -> None:
    """Make the table and some queues, as a deleted stack leaves them."""
    properties = dict(merge_template(BUILD)["Resources"]["Table"]["Properties"])
    names = ("TableName", "BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
    session.client("dynamodb").create_table(**{name: properties[name] for name in names})
    for key in queues:
        fifo = {"FifoQueue": "true"} if QUEUE[key].fifo else {}
        session.client("sqs").create_queue(QueueName=f"laurel-test-{QUEUE[key].name}", Attributes=fifo)


def import_with(cloud: Cloud, session: Any) -> dict[str, Any]:
    """Import; return the request that created the change set."""
    requests: list[dict[str, Any]] = []
    cloud.client.meta.events.register(
        "provide-client-params.cloudformation.CreateChangeSet", lambda params, **_: requests.append(dict(params))
    )
    cloud.stack(None)
    cloud.script.add_response("create_change_set", {})
    cloud.script.add_response("describe_change_set", {"Status": "CREATE_COMPLETE"}, WHERE)
    cloud.script.add_response("execute_change_set", {}, WHERE)
    for status in ("IMPORT_IN_PROGRESS", "IMPORT_COMPLETE", "IMPORT_COMPLETE"):
        cloud.stack(status)
    import_kept(cloud.client, session.client("dynamodb"), session.client("sqs"), BUILD, 0.001)
    (request,) = requests
    return request


def test_the_table_and_all_queues_are_imported_as_the_template_names_them(cloud: Cloud, session: Any) -> None:
    keep(session, [queue.key for queue in QUEUES])
    request = import_with(cloud, session)
    assert (request["StackName"], request["ChangeSetType"]) == ("laurel-test", "IMPORT")
    resources = json.loads(request["TemplateBody"])["Resources"]
    deployed = merge_template(BUILD)["Resources"]
    assert resources.keys() == {"Table", *(queue.logical_id for queue in QUEUES)}
    assert resources["Table"] == deployed["Table"]
    for name, resource in resources.items():
        assert resource["DeletionPolicy"] == "Retain", "an import requires a deletion policy"
        assert resource["Properties"].items() <= deployed[name]["Properties"].items()
    imported = {each["LogicalResourceId"]: each for each in request["ResourcesToImport"]}
    assert imported.keys() == resources.keys()
    assert imported["Table"]["ResourceIdentifier"] == {"TableName": "laurel-test"}
    assert imported["BoardsQueue"]["ResourceIdentifier"]["QueueUrl"].endswith("/laurel-test-boards.fifo")
    assert imported["BoardsQueue"]["ResourceType"] == "AWS::SQS::Queue"


def test_a_queue_that_was_deleted_is_left_to_the_deployment(cloud: Cloud, session: Any) -> None:
    keep(session, ["dead_letter"])
    request = import_with(cloud, session)
    assert {each["LogicalResourceId"] for each in request["ResourcesToImport"]} == {"Table", "DeadLetterQueue"}


def test_nothing_is_imported_into_a_stack_that_exists(cloud: Cloud, session: Any) -> None:
    cloud.stack("UPDATE_COMPLETE")
    with pytest.raises(DeployError, match="exists, so nothing can be imported: deploy without IMPORT=1"):
        import_kept(cloud.client, session.client("dynamodb"), session.client("sqs"), BUILD)


def test_an_import_of_nothing_is_refused(cloud: Cloud, session: Any) -> None:
    cloud.stack(None)
    with pytest.raises(DeployError, match="No table or queue of laurel-test exists"):
        import_kept(cloud.client, session.client("dynamodb"), session.client("sqs"), BUILD)
