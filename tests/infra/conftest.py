from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from infra.package import Package, package
from infra.settings import BUILD, Build


@pytest.fixture(scope="session")
def aws_package() -> Package:
    """Return the deployable of a protected stage. It is built once: package() locks and reuses it."""
    return package(Build("test", "aws"), BUILD / "test-aws")


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
    """Unpack the host's zip as Lambda does. Return the folder."""
    place = tmp_path_factory.mktemp("task")
    with ZipFile(local_package.zip) as archive:
        archive.extractall(place)
    return place
