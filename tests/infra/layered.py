"""A function with a layer of its own: an extra that adds one tiny package, from a wheel made here."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from zipfile import ZipFile, ZipInfo

import pytest

from infra import dependencies, layers, template
from infra.package import Package
from infra.settings import FUNCTIONS

EXTRA = "tiny-extra"
LAYER = "TinyExtraLayer"
USER = next(function for function in FUNCTIONS if function.name == "verify")
HANDLER = "tiny_package.handler"
ROLE = {
    "Type": "AWS::IAM::Role",
    "Properties": {
        "AssumeRolePolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
            ],
        }
    },
}


def write_wheel(folder: Path, version: str) -> str:
    """Write a wheel of tiny_package. Return its locked requirement."""
    source = f"def handler(event, context):\n    return {{'version': {version!r}, 'file': __file__}}\n"
    info = f"tiny_package-{version}.dist-info"
    files = {
        "tiny_package/__init__.py": source,
        "tiny_package/tests/test_nothing.py": "",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: tiny-package\nVersion: {version}\nRequires-Dist: six\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"])
    folder.mkdir(parents=True, exist_ok=True)
    wheel = folder / f"tiny_package-{version}-py3-none-any.whl"
    with ZipFile(wheel, "w") as archive:
        for name, text in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(ZipInfo(name, (2020, 1, 1, 0, 0, 0)), text)
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    return f"tiny-package=={version} \\\n    --hash=sha256:{digest}\n    # via laurel (pyproject.toml)\n"


def locked(folder: Path, text: str) -> Path:
    """Write a folder of lock files: the project's for the zip, and `text` for the extra."""
    shutil.copytree(dependencies.LOCKS, folder)
    (folder / f"{EXTRA}.txt").write_text(text)
    return folder


@contextmanager
def layered(folder: Path, version: str = "1.0") -> Iterator[None]:
    """Let one function name the extra. Its lock holds the zip's packages too, as uv writes it. No index is asked."""
    wheels = folder / "wheels"
    text = (dependencies.LOCKS / "runtime.txt").read_text() + write_wheel(wheels, version)
    described = tuple(replace(each, extra=EXTRA) if each == USER else each for each in FUNCTIONS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dependencies, "LOCKS", locked(folder / "requirements", text))
        patch.setattr(layers, "FUNCTIONS", described)
        patch.setattr(template, "FUNCTIONS", described)
        for name, value in {"UV_FIND_LINKS": wheels, "UV_NO_INDEX": 1, "UV_CACHE_DIR": folder / "cache"}.items():
            patch.setenv(name, str(value))
        yield


def function_alone(built: Package, place: Path, function: dict[str, Any]) -> Package:
    """Return the package with a template that has the layer and its function only, with `function`'s properties."""
    resources = json.loads(built.template.read_text())["Resources"]
    properties = resources[USER.logical_id]["Properties"]
    kept = {key: properties[key] for key in ("CodeUri", "Runtime", "Architectures", "MemorySize", "Timeout", "Layers")}
    role = {"Role": {"Fn::GetAtt": ["Role", "Arn"]}}
    cut = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Transform": "AWS::Serverless-2016-10-31",
        "Resources": {
            "Role": ROLE,
            LAYER: resources[LAYER],
            USER.logical_id: {"Type": "AWS::Serverless::Function", "Properties": kept | role | function},
        },
    }
    place.write_text(json.dumps(cut))
    return replace(built, template=place)
