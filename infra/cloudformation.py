"""Create and update a CloudFormation stack by change set, on AWS and on the local emulator."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError, WaiterError

from infra.package import Package
from infra.settings import APP

Json = dict[str, Any]
CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
BUILD_TAG = "laurel-build"
EXISTS = ("already exists", "alreadyexists")
NOTHING_TO_DO = ("didn't contain changes", "no updates are to be performed", "no changes")
NO_STACK = "does not exist"
AT_REST = {
    *("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "ROLLBACK_COMPLETE"),
    *("IMPORT_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"),
}
POLL_S = 5.0
# CloudFormation gives a Lambda with a VPC up to 40 minutes; nothing here takes longer.
MAX_WAIT_S = 3600


class DeployError(RuntimeError):
    """CloudFormation refused or rolled back a deployment. The message holds its reasons."""


@dataclass(frozen=True)
class Upload:
    """An uploaded package: the URL of its template, and a digest that identifies the build."""

    template_url: str
    digest: str


def upload(s3: Any, bucket: str, package: Package) -> Upload:
    """Upload zip, layers and template to `bucket`, under names made of their content."""
    keys = {path.name: _key(package.build.stage, path, ".zip") for path in (package.zip, *package.layers)}
    template = json.loads(package.template.read_text())
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = {"Bucket": bucket, "Key": keys[package.zip.name]}
        elif resource["Type"] == "AWS::Lambda::LayerVersion":
            content = resource["Properties"]["Content"]
            resource["Properties"]["Content"] = {"S3Bucket": bucket, "S3Key": keys[content]}
    body = json.dumps(template, sort_keys=True, separators=(",", ":")).encode()
    digest = hashlib.sha256(body).hexdigest()[:32]
    name = f"{package.build.stage}/{digest}.json"
    for path in (package.zip, *package.layers):
        s3.upload_file(str(path), bucket, keys[path.name])
    s3.put_object(Bucket=bucket, Key=name, Body=body, ContentType="application/json")
    return Upload(f"{s3.meta.endpoint_url}/{bucket}/{name}", digest)


def _key(stage: str, path: Path, suffix: str) -> str:
    return f"{stage}/{hashlib.sha256(path.read_bytes()).hexdigest()[:32]}{suffix}"


def describe(client: Any, name: str) -> Json | None:
    """Return the stack as DescribeStacks returns it; None if there is none, or only a change set under review."""
    try:
        found: Json = client.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if NO_STACK in str(error):
            return None
        raise
    return None if found["StackStatus"] in {"REVIEW_IN_PROGRESS", "DELETE_COMPLETE"} else found


def outputs(stack: Json) -> dict[str, str]:
    return {item["OutputKey"]: item["OutputValue"] for item in stack.get("Outputs", [])}


@dataclass(frozen=True)
class Content:
    """The content of a stack at rest: its template's text, and the digest of the build that it was made of."""

    template: str = ""
    digest: str | None = None

    @property
    def is_of_no_stack(self) -> bool:
        return not self.template


def content(client: Any, name: str) -> Content | None:
    """Return the content of a stack, empty if there is no stack. None while it may still change, or be rolled back."""
    try:
        stack: Json = client.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if NO_STACK in str(error):
            return Content()
        raise
    if stack["StackStatus"] not in AT_REST:
        return None
    template = client.get_template(StackName=name, TemplateStage="Original")["TemplateBody"]
    return Content(template if isinstance(template, str) else json.dumps(template), deployed_digest(stack))


def protect(client: Any, name: str) -> None:
    """Protect a stack from its deletion. It stays protected when it is updated."""
    client.update_termination_protection(StackName=name, EnableTerminationProtection=True)


def deployed_digest(stack: Json | None) -> str | None:
    tags = {item["Key"]: item["Value"] for item in (stack or {}).get("Tags", [])}
    return tags.get(BUILD_TAG)


def deploy(
    client: Any, name: str, sent: Upload, parameters: dict[str, str] | None = None, *, poll_s: float = POLL_S
) -> Json:
    """Update the stack `name` to the uploaded template and return the stack. Raises DeployError with the reasons."""
    before = describe(client, name)
    if before and before["StackStatus"] == "ROLLBACK_COMPLETE":
        raise DeployError(
            f"Stack {name} was never created: its creation was rolled back. Delete it (and its table, if that "
            "was kept), then deploy again."
        )
    kind = "UPDATE" if before else "CREATE"
    change_set = f"{APP}-{sent.digest[:12]}-{time.time_ns() // 1_000_000}"
    client.create_change_set(
        StackName=name,
        ChangeSetName=change_set,
        ChangeSetType=kind,
        TemplateURL=sent.template_url,
        Capabilities=CAPABILITIES,
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in (parameters or {}).items()],
        Tags=[{"Key": BUILD_TAG, "Value": sent.digest}],
    )
    after = execute(client, name, change_set, kind, poll_s)
    if after is None:
        assert before is not None
        return before
    return after


def execute(client: Any, name: str, change_set: str, kind: str, poll_s: float = POLL_S) -> Json | None:
    """Execute a new change set; return the stack, or None if it changes nothing. Raises DeployError."""
    if not _changes(client, name, change_set, poll_s):
        return None
    client.execute_change_set(StackName=name, ChangeSetName=change_set)
    return _wait(client, name, kind, poll_s)


def _changes(client: Any, name: str, change_set: str, poll_s: float) -> bool:
    """Wait for the change set; return whether it changes anything. Delete an empty one. Raises DeployError."""
    where = {"StackName": name, "ChangeSetName": change_set}
    try:
        client.get_waiter("change_set_create_complete").wait(**where, WaiterConfig=_every(poll_s))
    except WaiterError as error:
        found = client.describe_change_set(**where)
        reason = found.get("StatusReason") or str(error)
        if not any(text in reason.lower() for text in NOTHING_TO_DO):
            raise DeployError(f"CloudFormation refused the template: {reason}{_remedy(reason)}") from error
        client.delete_change_set(**where)
        return False
    return True


def _wait(client: Any, name: str, kind: str, poll_s: float) -> Json:
    """Wait for the stack and return its final state. Raises DeployError with the reasons."""
    failure: WaiterError | None = None
    try:
        client.get_waiter(f"stack_{kind.lower()}_complete").wait(StackName=name, WaiterConfig=_every(poll_s))
    except WaiterError as error:
        failure = error
    stack = describe(client, name)
    if failure or not stack:
        status = stack["StackStatus"] if stack else "DELETED"
        reasons = _reasons(client, name)
        raise DeployError(f"Stack {name} ended in {status}:\n{reasons}{_remedy(reasons)}") from failure
    return stack


def _remedy(reasons: str) -> str:
    """Return the advice for resources that an earlier stack kept; empty for other reasons."""
    if not any(text in reasons.lower() for text in EXISTS):
        return ""
    remedy = "Delete this stack if it is there, then import them: make deploy IMPORT=1 STAGE=..."
    return f"\nAn earlier stack kept them. {remedy}"


def _every(poll_s: float) -> Json:
    return {"Delay": poll_s, "MaxAttempts": int(MAX_WAIT_S / poll_s)}


def _reasons(client: Any, name: str) -> str:
    events = client.describe_stack_events(StackName=name)["StackEvents"]
    failed = [event for event in events if event["ResourceStatus"].endswith("_FAILED")]
    lines = [f"  {item['LogicalResourceId']}: {item.get('ResourceStatusReason', '')}" for item in failed[:10]]
    return "\n".join(lines) or "  CloudFormation gave no reason."
