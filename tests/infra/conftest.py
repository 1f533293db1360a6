from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from infra.local.stack import Stack, running_stack
from infra.package import Package, package
from infra.settings import BUILD, Build


@pytest.fixture(scope="session")
def aws_package() -> Package:
    """The deployable of a protected stage. Built once, whoever asks: package() locks and reuses."""
    return package(Build("test", "aws"), BUILD / "test-aws")


@pytest.fixture(scope="session")
def local_package() -> Package:
    """The very build that the local stack runs."""
    return package(Build("local", "local"))


@pytest.fixture(scope="session")
def template(aws_package: Package) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(aws_package.template.read_text())
    return loaded


@pytest.fixture(scope="session")
def resources(template: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = template["Resources"]
    return found


@pytest.fixture(scope="session")
def aws_zip(aws_package: Package) -> Iterator[ZipFile]:
    with ZipFile(aws_package.zip) as archive:
        yield archive


@pytest.fixture(scope="session")
def unpacked(local_package: Package, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The host's zip, unpacked as Lambda does."""
    place = tmp_path_factory.mktemp("task")
    with ZipFile(local_package.zip) as archive:
        archive.extractall(place)
    return place


def with_batches_by_name(built: Package, place: Path) -> Package:
    """On AWS sqs:SendMessage allows SendMessageBatch, and so on; the emulator wants each by its own name."""
    template = json.loads(built.template.read_text())
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::IAM::Role":
            for statement in resource["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]:
                queue_actions = [action for action in statement["Action"] if action.startswith("sqs:")]
                statement["Action"] += [f"{action}Batch" for action in queue_actions]
    place.write_text(json.dumps(template))
    return replace(built, template=place)


@pytest.fixture(scope="session")
def stack_package(local_package: Package, tmp_path_factory: pytest.TempPathFactory) -> Package:
    return with_batches_by_name(local_package, tmp_path_factory.mktemp("build") / "template.json")


@pytest.fixture(scope="session")
def stack(stack_package: Package, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack of the tests' own, which enforces the functions' policies."""
    with running_stack(tmp_path_factory.mktemp("stack"), stack_package, enforcing=True) as running:
        yield running
