"""Tests of deployments by change set: the responses of CloudFormation, and the messages to the operator."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.session import get_session
from botocore.stub import ANY, Stubber

from infra.cloudformation import DeployError, Upload, deploy, protect

NAME = "laurel-test"
SENT = Upload("http://bucket/template.json", "digest")
AT = datetime(2026, 5, 19, tzinfo=UTC)
WHERE = {"StackName": NAME, "ChangeSetName": ANY}


class Cloud:
    """A CloudFormation client whose answers are scripted; a call that is not in the script fails."""

    def __init__(self) -> None:
        self.client = get_session().create_client(
            "cloudformation", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x"
        )
        self.script = Stubber(self.client)
        self.script.activate()

    def stack(self, status: str | None) -> None:
        if status is None:
            self.script.add_client_error("describe_stacks", "ValidationError", f"Stack with id {NAME} does not exist")
            return
        found = {"StackName": NAME, "CreationTime": AT, "StackStatus": status}
        self.script.add_response("describe_stacks", {"Stacks": [found]}, {"StackName": NAME})

    def change_set(self, kind: str, *statuses: dict[str, Any]) -> None:
        expected = {
            "StackName": NAME,
            "ChangeSetName": ANY,
            "ChangeSetType": kind,
            "TemplateURL": SENT.template_url,
            "Capabilities": ANY,
            "Parameters": [],
            "Tags": ANY,
        }
        self.script.add_response("create_change_set", {}, expected)
        for status in statuses:
            self.script.add_response("describe_change_set", status, WHERE)

    def failed_event(self, reason: str) -> None:
        event = {
            "StackId": "id",
            "EventId": "1",
            "StackName": NAME,
            "Timestamp": AT,
            "LogicalResourceId": "Table",
            "ResourceStatus": "UPDATE_FAILED",
            "ResourceStatusReason": reason,
        }
        self.script.add_response("describe_stack_events", {"StackEvents": [event]}, {"StackName": NAME})

    def deploy(self) -> dict[str, Any]:
        return deploy(self.client, NAME, SENT, poll_s=0.001)


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    cloud = Cloud()
    yield cloud
    cloud.script.assert_no_pending_responses()


def test_a_new_stack_is_created(cloud: Cloud) -> None:
    cloud.stack(None)
    cloud.change_set("CREATE", {"Status": "CREATE_IN_PROGRESS"}, {"Status": "CREATE_COMPLETE"})
    cloud.script.add_response("execute_change_set", {}, WHERE)
    for status in ("CREATE_IN_PROGRESS", "CREATE_COMPLETE", "CREATE_COMPLETE"):
        cloud.stack(status)
    assert cloud.deploy()["StackStatus"] == "CREATE_COMPLETE"


def test_a_template_that_changes_nothing_leaves_no_change_set(cloud: Cloud) -> None:
    cloud.stack("UPDATE_COMPLETE")
    failed = {"Status": "FAILED", "StatusReason": "The submitted information didn't contain changes."}
    cloud.change_set("UPDATE", failed, failed)
    cloud.script.add_response("delete_change_set", {}, WHERE)
    assert cloud.deploy()["StackStatus"] == "UPDATE_COMPLETE"


def test_a_refused_template_is_reported_with_its_reason(cloud: Cloud) -> None:
    cloud.stack("UPDATE_COMPLETE")
    failed = {"Status": "FAILED", "StatusReason": "Template format error"}
    cloud.change_set("UPDATE", failed, failed)
    with pytest.raises(DeployError, match="refused the template: Template format error"):
        cloud.deploy()


def test_a_rolled_back_update_is_reported_with_the_failed_resources(cloud: Cloud) -> None:
    cloud.stack("UPDATE_COMPLETE")
    cloud.change_set("UPDATE", {"Status": "CREATE_COMPLETE"})
    cloud.script.add_response("execute_change_set", {}, WHERE)
    for _ in range(2):
        cloud.stack("UPDATE_ROLLBACK_COMPLETE")
    cloud.failed_event("limit exceeded")
    with pytest.raises(DeployError, match="ended in UPDATE_ROLLBACK_COMPLETE:\n  Table: limit exceeded"):
        cloud.deploy()


def test_a_stack_whose_creation_was_rolled_back_is_refused(cloud: Cloud) -> None:
    cloud.stack("ROLLBACK_COMPLETE")
    with pytest.raises(DeployError, match="Delete it"):
        cloud.deploy()


def test_a_protected_stack_is_not_deleted(cloud: Cloud) -> None:
    enabled = {"StackName": NAME, "EnableTerminationProtection": True}
    cloud.script.add_response("update_termination_protection", {"StackId": "id"}, enabled)
    protect(cloud.client, NAME)


def fail_to_create(cloud: Cloud, reason: str) -> None:
    cloud.stack(None)
    cloud.change_set("CREATE", {"Status": "CREATE_COMPLETE"})
    cloud.script.add_response("execute_change_set", {}, WHERE)
    for _ in range(2):
        cloud.stack("ROLLBACK_COMPLETE")
    cloud.failed_event(reason)


def test_a_name_that_exists_is_reported_with_the_import_of_what_was_kept(cloud: Cloud) -> None:
    fail_to_create(cloud, "laurel-test already exists")
    with pytest.raises(DeployError, match=r"kept them\. .* import them: make deploy IMPORT=1"):
        cloud.deploy()


def test_other_failures_do_not_name_the_import(cloud: Cloud) -> None:
    fail_to_create(cloud, "limit exceeded")
    with pytest.raises(DeployError) as failed:
        cloud.deploy()
    assert "IMPORT" not in str(failed.value)
