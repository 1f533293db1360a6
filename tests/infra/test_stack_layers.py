"""Tests of layers on the local stack: a function imports the packages of its layer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from infra import cloudformation
from infra.local.stack import BUCKET, Stack
from infra.package import Package, package, write_layer
from infra.settings import Build
from tests.infra.layered import EXTRA, HANDLER, function_alone, layered

NAME = "laurel-layered"
LOCAL = Build("local", "local")


@pytest.fixture
def separate(stack: Stack) -> Iterator[Stack]:
    """Yield the running stack; delete this file's deployment afterwards."""
    yield stack
    stack.client("cloudformation").delete_stack(StackName=NAME)


def returned(stack: Stack, made: Package) -> dict[str, Any]:
    """Deploy the package and return what its function returns."""
    sent = cloudformation.upload(stack.client("s3"), BUCKET, made)
    cloudformation.deploy(stack.client("cloudformation"), NAME, sent, poll_s=0.1)
    answer = stack.client("lambda").invoke(FunctionName=NAME, Payload=b"{}")
    found: dict[str, Any] = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, found
    return found


def test_a_function_imports_from_the_layer_of_its_last_deployment(separate: Stack, tmp_path: Path) -> None:
    with layered(tmp_path / "first", "1.0"):
        first = package(LOCAL, tmp_path / "out")
    first = function_alone(first, tmp_path / "template.json", {"FunctionName": NAME, "Handler": HANDLER})
    found = returned(separate, first)
    assert found["version"] == "1.0"
    assert found["file"].endswith("/python/tiny_package/__init__.py")
    with layered(tmp_path / "second", "2.0"):
        second = replace(first, layers=(write_layer(LOCAL, EXTRA, tmp_path),))
    assert returned(separate, second)["version"] == "2.0"
