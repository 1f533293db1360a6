"""Tests of the builds in the bucket: those that a stack names stay, at any age."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from infra import builds, deploy
from infra.builds import KEPT_BUILDS, delete_old_builds
from infra.cloudformation import BUILD_TAG, Upload, upload
from infra.package import Package
from infra.settings import Build

BUCKET, REGION = "laurel-builds-123456789012-eu-west-1", "eu-west-1"
LATER = timedelta(days=91)


class Account:
    """An AWS account with a bucket of builds."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.session = boto3.Session("x", "x", region_name=REGION)
        self.s3, self.client = self.session.client("s3"), self.session.client("cloudformation")
        self.uploads = 0

    def upload(self, stage: str) -> Upload:
        """Upload a new build."""
        self.uploads += 1
        paths = [self.folder / name for name in ("deployment.zip", "sam.json")]
        paths[0].write_text(f"code {self.uploads}")
        code = {"Type": "AWS::Serverless::Function", "Properties": {"CodeUri": "?"}}
        queue = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": f"laurel-{stage}-{self.uploads}"}}
        paths[1].write_text(json.dumps({"Resources": {"Code": code, "Queue": queue}}))
        return upload(self.s3, BUCKET, Package(Build(stage, "aws"), *paths, "recipe"))

    def deploy(self, stage: str, sent: Upload) -> None:
        """Let the stack have the build's template, in which moto knows no functions: they become metadata."""
        key = sent.template_url.rpartition(f"/{BUCKET}/")[2]
        template = json.loads(self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
        template["Metadata"] = {"Code": template["Resources"].pop("Code")}
        options = {
            "StackName": f"laurel-{stage}",
            "TemplateBody": json.dumps(template),
            "Tags": [{"Key": BUILD_TAG, "Value": sent.digest}],
        }
        try:
            self.client.describe_stacks(StackName=options["StackName"])
        except ClientError:
            self.client.create_stack(**options)
        else:
            self.client.update_stack(**options)

    def keys(self) -> set[str]:
        return {each["Key"] for each in self.s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])}

    def clean(self, stage: str, after: timedelta = LATER) -> list[str]:
        return delete_old_builds(self.s3, self.client, BUCKET, stage, datetime.now(UTC) + after)


@pytest.fixture
def account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        made = Account(tmp_path)
        made.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        yield made


def names_of(sent: Upload, account: Account) -> set[str]:
    """Return the keys of a build: its template, and the zip that this names."""
    key = sent.template_url.rpartition(f"/{BUCKET}/")[2]
    template = json.loads(account.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
    return {key, template["Resources"]["Code"]["Properties"]["CodeUri"]["Key"]}


def failing(*_: Any, **__: Any) -> Any:
    raise AssertionError("nothing is to be deleted")


def test_a_build_that_the_stack_names_stays_however_many_came_after_it(account: Account) -> None:
    named = account.upload("prod")
    account.deploy("prod", named)
    later = [account.upload("prod") for _ in range(KEPT_BUILDS + 2)]
    kept = names_of(named, account)
    newest = set[str]().union(*(names_of(each, account) for each in later))
    account.clean("prod")
    assert kept <= account.keys()
    assert len(account.keys()) == 2 + 2 * KEPT_BUILDS
    assert account.keys() - kept < newest
    assert account.clean("prod") == []


def test_younger_builds_stay(account: Account) -> None:
    for _ in range(KEPT_BUILDS + 2):
        account.upload("prod")
    assert account.clean("prod", timedelta(days=89)) == []
    assert len(account.keys()) == 2 * (KEPT_BUILDS + 2)


def test_after_an_update_the_builds_before_the_newest_are_deleted(account: Account) -> None:
    sent = [account.upload("prod") for _ in range(KEPT_BUILDS + 2)]
    account.deploy("prod", sent[0])
    account.deploy("prod", sent[-1])
    assert len(account.clean("prod")) == 4
    assert names_of(sent[-1], account) <= account.keys()


@pytest.mark.parametrize("status", ["UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_FAILED", "REVIEW_IN_PROGRESS"])
def test_nothing_is_deleted_while_the_stack_may_be_rolled_back(
    account: Account, status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(KEPT_BUILDS + 2):
        account.upload("prod")
    described = {"Stacks": [{"StackName": "laurel-prod", "StackStatus": status}]}
    monkeypatch.setattr(account.client, "describe_stacks", lambda **_: described)
    monkeypatch.setattr(account.client, "get_template", failing)
    assert account.clean("prod") == []


def test_a_stage_deletes_no_builds_of_another_stack_but_those_of_deleted_stages(account: Account) -> None:
    for stage in ("prod", "dev"):
        sent = [account.upload(stage) for _ in range(KEPT_BUILDS + 2)]
        account.deploy(stage, sent[-1])
    for _ in range(KEPT_BUILDS + 2):
        account.upload("dev-anna")
    deleted = account.clean("prod")
    assert {key.partition("/")[0] for key in deleted} == {"prod", "dev-anna"}
    assert len(deleted) == 8


def test_other_objects_of_the_bucket_stay(account: Account) -> None:
    for key in ("notes.txt", "prod/report.json", f"Prod/{sha256(b'').hexdigest()[:32]}.zip"):
        account.s3.put_object(Bucket=BUCKET, Key=key, Body=b"x")
    assert account.clean("prod") == []


def test_a_run_that_was_stopped_is_continued(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(KEPT_BUILDS + 3):
        account.upload("prod")
    real = account.s3.delete_objects
    with monkeypatch.context() as patch:
        patch.setattr(builds, "MAX_DELETED", 1)

        def stop(**request: Any) -> None:
            real(**request)
            raise KeyboardInterrupt

        patch.setattr(account.s3, "delete_objects", stop)
        with pytest.raises(KeyboardInterrupt):
            account.clean("prod")
    assert len(account.keys()) == 2 * KEPT_BUILDS + 5
    assert len(account.clean("prod")) == 5


def test_the_bucket_has_no_rule_that_expires_builds(account: Account) -> None:
    """Test that the rule of earlier releases is replaced too."""
    rule = {"ID": "old-builds", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 90}}
    account.s3.put_bucket_lifecycle_configuration(Bucket=BUCKET, LifecycleConfiguration={"Rules": [rule]})
    for _ in range(2):
        assert deploy._own_bucket(account.s3, REGION, "123456789012") == BUCKET
    (found,) = account.s3.get_bucket_lifecycle_configuration(Bucket=BUCKET)["Rules"]
    assert "Expiration" not in found
    assert found["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}


def test_a_new_bucket_is_private(account: Account) -> None:
    name = deploy._own_bucket(account.s3, REGION, "210987654321")
    assert name == "laurel-builds-210987654321-eu-west-1"
    blocked = account.s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
    assert all(blocked.values())
