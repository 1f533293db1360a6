"""Tests of `make deploy` against AWS in process: what it protects, and when it refuses."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from infra import cloudformation, dependencies, deploy
from infra.package import Package
from infra.settings import Build, SettingError

REGION = "eu-west-1"


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ENDPOINT_URL", "BUCKET", "ALARM_TOPIC", "TABLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(dependencies, "check_deployable", lambda: None)
    monkeypatch.setattr(cloudformation, "POLL_S", 0.001)
    with mock_aws():
        yield boto3.Session("x", "x", region_name=REGION)


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let packages hold a template with a queue. Return its file."""
    template = tmp_path / "sam.json"
    (tmp_path / "deployment.zip").write_text("code")

    def package(build: Build) -> Package:
        queue = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": build.prefix}}
        topic = {"AlarmTopicArn": {"Type": "String"}}
        template.write_text(json.dumps({"Parameters": topic, "Resources": {"Queue": queue}}))
        return Package(build, tmp_path / "deployment.zip", template, "recipe")

    monkeypatch.setattr(deploy, "package", package)
    return template


def protected(session: Any, monkeypatch: pytest.MonkeyPatch, stage: str) -> list[dict[str, Any]]:
    """Deploy a stage twice; return the requests that protect a stack."""
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(cloudformation, "protect", lambda _, name: sent.append({"StackName": name}))
    for _ in range(2):
        deploy.deploy(stage, session)
    return sent


@pytest.mark.usefixtures("built")
def test_every_deployment_protects_the_stack_of_a_protected_stage(
    session: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert protected(session, monkeypatch, "prod") == [{"StackName": "laurel-prod"}] * 2
    assert protected(session, monkeypatch, "dev-anna") == []


@pytest.mark.usefixtures("built")
def test_old_builds_that_cannot_be_deleted_fail_no_deployment(
    session: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(s3: Any, *_: Any) -> Any:
        return s3.list_objects_v2(Bucket="no-such-bucket")

    monkeypatch.setattr(cloudformation, "protect", lambda *_: None)
    monkeypatch.setattr(deploy, "delete_old_builds", refuse)
    deploy.deploy("prod", session)
    assert "warning: old builds were not deleted: An error occurred (NoSuchBucket)" in capsys.readouterr().err
    assert session.client("cloudformation").describe_stacks()["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"


@pytest.mark.usefixtures("built")
def test_a_given_bucket_keeps_its_rules_and_its_objects(session: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> Any:
        raise AssertionError("nothing is to be deleted")

    place = {"LocationConstraint": REGION}
    session.client("s3").create_bucket(Bucket="ours", CreateBucketConfiguration=place)
    monkeypatch.setenv("BUCKET", "ours")
    monkeypatch.setattr(cloudformation, "protect", lambda *_: None)
    monkeypatch.setattr(deploy, "delete_old_builds", fail)
    deploy.deploy("prod", session)
    assert len(session.client("s3").list_objects_v2(Bucket="ours")["Contents"]) == 2
    assert [each["Name"] for each in session.client("s3").list_buckets()["Buckets"]] == ["ours"]


def test_python_3_11_is_refused_before_anything_is_built(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 11, 9, "final", 0))
    monkeypatch.setattr(dependencies, "python_minor", lambda: "3.11")
    monkeypatch.setenv("AWS_REGION", REGION)
    assert deploy.main(["prod"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: Python 3.11 builds no deployment")
    assert line.endswith("choose a newer version: make PYTHON=python3.12 deploy STAGE=...")


@pytest.mark.parametrize(("minor", "deployable"), [(11, False), (12, True), (13, True), (14, True)])
def test_lambdas_newer_runtimes_are_deployed(monkeypatch: pytest.MonkeyPatch, minor: int, deployable: bool) -> None:
    monkeypatch.setattr(dependencies.sys, "version_info", (3, minor))
    monkeypatch.setattr(dependencies, "python_minor", lambda: f"3.{minor}")
    if deployable:
        dependencies.check_deployable()
    else:
        with pytest.raises(SettingError):
            dependencies.check_deployable()
    # Tests build the package with every version that Lambda runs.
    dependencies.check_runtime(Build("test", "aws"))


@pytest.mark.usefixtures("built")
@pytest.mark.parametrize("used", ["laurel-dev", "laurel-dev-restored"])
def test_a_stage_stays_at_its_table_until_another_is_named(
    session: Any, monkeypatch: pytest.MonkeyPatch, used: str
) -> None:
    """Test that a deployment without TABLE does not return to a table that was given up."""
    deploy.deploy("dev", session)
    real = cloudformation.describe

    def describe(client: Any, name: str) -> Any:
        return real(client, name) | {"Outputs": [{"OutputKey": "TableName", "OutputValue": used}]}

    monkeypatch.setattr(cloudformation, "describe", describe)
    if used == "laurel-dev":
        deploy.deploy("dev", session)
    else:
        with pytest.raises(SettingError, match=f"TABLE={used} to keep it, or with TABLE=laurel-dev to return"):
            deploy.deploy("dev", session)
    for name in ("laurel-dev-restored", "laurel-dev"):
        monkeypatch.setenv("TABLE", name)
        deploy.deploy("dev", session)
