"""Tests of layers: a function's extra packages are in its layer and nowhere else."""

from __future__ import annotations

import json
import struct
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zipfile import ZipFile

import pytest

from infra import cloudformation, dependencies, layers
from infra.package import EPOCH, Package, package
from infra.settings import FUNCTIONS, ROOT, Build, SettingError
from tests.infra.layered import EXTRA, HANDLER, LAYER, USER, function_alone, layered, locked, write_wheel
from tests.infra.test_template import lint, of_type

AWS = Build("test", "aws")
SIX = "six==1.17.0 \\\n    --hash=sha256:0\n"


@pytest.fixture(scope="module")
def made(aws_package: Package, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Package]:
    """Build a package of the sources of `aws_package`, with an extra for one function."""
    folder = tmp_path_factory.mktemp("layered")
    with layered(folder):
        yield package(AWS, folder / "out")


def archive_of(made: Package) -> ZipFile:
    (path,) = made.layers
    assert path.name == f"layer-{EXTRA}.zip"
    return ZipFile(path)


def test_a_layer_has_only_packages_that_the_zip_lacks(made: Package) -> None:
    tag = sys.implementation.cache_tag
    with archive_of(made) as archive:
        assert archive.namelist() == [
            "python/tiny_package/__init__.py",
            f"python/tiny_package/__pycache__/__init__.{tag}.pyc",
        ]


def test_the_zip_does_not_change(made: Package, aws_package: Package) -> None:
    if made.recipe != aws_package.recipe:
        pytest.skip("the sources were edited while this ran")
    assert made.zip.read_bytes() == aws_package.zip.read_bytes()


def test_a_layer_is_compiled_and_dated_like_the_zip(made: Package) -> None:
    with archive_of(made) as archive:
        compiled = archive.read(archive.namelist()[1])
        # PEP 552: flags 1 is a hash that the interpreter does not check against the source.
        assert struct.unpack_from("<I", compiled, 4) == (1,)
        assert b"/opt/python/tiny_package/__init__.py" in compiled
        assert {entry.date_time for entry in archive.infolist()} == {EPOCH}


def test_the_same_lock_makes_the_same_layer(made: Package, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places = []
    for name in ("one", "two"):
        monkeypatch.setattr(dependencies, "BUILD", tmp_path / name)
        places.append(dependencies.layer(AWS, EXTRA))
    contents = [{path.relative_to(place): path.read_bytes() for path in place.rglob("*.*")} for place in places]
    assert places[0] != places[1]
    assert contents[0] == contents[1]
    with archive_of(made) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {
            path.as_posix(): content for path, content in contents[0].items()
        }


def test_only_the_function_that_names_it_has_the_layer(made: Package) -> None:
    resources = json.loads(made.template.read_text())["Resources"]
    assert of_type(resources, "AWS::Lambda::LayerVersion") == {
        LAYER: {
            "Type": "AWS::Lambda::LayerVersion",
            "Properties": {
                "LayerName": f"laurel-test-{EXTRA}",
                "Content": f"layer-{EXTRA}.zip",
                "CompatibleArchitectures": ["arm64"],
                "CompatibleRuntimes": [f"python3.{sys.version_info.minor}"],
            },
        }
    }
    attached = {function.name: resources[function.logical_id]["Properties"].get("Layers") for function in FUNCTIONS}
    assert attached.pop(USER.name) == [{"Ref": LAYER}]
    assert set(attached.values()) == {None}


class Bucket:
    """An S3 client that keeps what is uploaded."""

    meta = SimpleNamespace(endpoint_url="https://s3.example.com")

    def __init__(self) -> None:
        self.content: dict[str, bytes] = {}

    def upload_file(self, path: str, bucket: str, key: str) -> None:
        self.content[f"{bucket}/{key}"] = Path(path).read_bytes()

    def put_object(self, **given: Any) -> None:
        self.content[f"{given['Bucket']}/{given['Key']}"] = given["Body"]


def uploaded(made: Package) -> tuple[Bucket, dict[str, Any]]:
    bucket = Bucket()
    sent = cloudformation.upload(bucket, "builds", made)
    template = bucket.content[sent.template_url.removeprefix(f"{bucket.meta.endpoint_url}/")]
    return bucket, json.loads(template)


def test_a_deployment_uploads_zip_and_layer(made: Package) -> None:
    bucket, template = uploaded(made)
    content = template["Resources"][LAYER]["Properties"]["Content"]
    code = template["Resources"][USER.logical_id]["Properties"]["CodeUri"]
    assert bucket.content[f"{content['S3Bucket']}/{content['S3Key']}"] == made.layers[0].read_bytes()
    assert bucket.content[f"{code['Bucket']}/{code['Key']}"] == made.zip.read_bytes()
    assert len(bucket.content) == 3, "and the template"


@pytest.mark.proof
def test_cfn_lint_finds_nothing(made: Package, tmp_path: Path) -> None:
    alone = function_alone(made, tmp_path / "template.json", {"Handler": HANDLER})
    assert lint(json.dumps(uploaded(alone)[1])) == []


def write_zip(path: Path, size: int) -> Path:
    with ZipFile(path, "w") as archive:
        archive.writestr("file", b"x" * size)
    return path


def test_zip_and_layer_fit_the_limit_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert layers.MAX_UNZIPPED == 262_144_000
    code = write_zip(tmp_path / "code.zip", 600)
    small, large = write_zip(tmp_path / "small.zip", 400), write_zip(tmp_path / "large.zip", 401)
    monkeypatch.setattr(layers, "MAX_UNZIPPED", 1000)
    layers.check_sizes(code, (small, small))
    with pytest.raises(SettingError, match=r"code\.zip with large\.zip: 1,001 bytes unzipped, .* 1,000\."):
        layers.check_sizes(code, (small, large))
    monkeypatch.setattr(layers, "MAX_UNZIPPED", 599)
    with pytest.raises(SettingError, match=r"code\.zip: 600 bytes unzipped"):
        layers.check_sizes(code, ())


def test_a_layer_that_lambda_would_refuse_is_not_packaged(
    made: Package, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = layers.unzipped_size(made.zip) + layers.unzipped_size(made.layers[0])
    monkeypatch.setattr(layers, "MAX_UNZIPPED", size - 1)
    with pytest.raises(SettingError, match=f"deployment.zip with layer-{EXTRA}.zip: {size:,} bytes"):
        package(AWS, tmp_path / "out")
    assert not (tmp_path / "out" / "recipe").exists(), "the next build would take it for finished"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (SIX, "adds no package"),
        (SIX.replace("1.17.0", "1.16.0"), "lock six differently"),
        (SIX.replace("1.17.0", "1.17.0 ; sys_platform == 'win32'"), "lock six differently"),
    ],
)
def test_a_layer_adds_packages_and_replaces_none(
    text: str, error: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dependencies, "LOCKS", locked(tmp_path / "requirements", text))
    with pytest.raises(SettingError, match=error):
        dependencies.layer(AWS, EXTRA)


def test_an_extra_must_be_locked() -> None:
    with pytest.raises(SettingError, match="no-such-extra is not locked"):
        dependencies.layer(AWS, "no-such-extra")


def test_a_wheel_that_is_not_the_locked_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    text = write_wheel(tmp_path / "wheels", "1.0")
    wheel = tmp_path / "wheels" / "tiny_package-1.0-py3-none-any.whl"
    wheel.write_bytes(wheel.read_bytes() + b"\0")
    monkeypatch.setenv("UV_FIND_LINKS", str(tmp_path / "wheels"))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(dependencies, "BUILD", tmp_path)
    monkeypatch.setattr(dependencies, "LOCKS", locked(tmp_path / "requirements", text))
    with pytest.raises(SettingError, match=rf"dependencies of {EXTRA}\.txt could not be installed"):
        dependencies.layer(AWS, EXTRA)
    assert "Hash mismatch" in capfd.readouterr().err


def test_every_extra_is_locked_at_the_versions_of_the_zip() -> None:
    described = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    runtime = versions(ROOT / "requirements" / "runtime.txt")
    assert {function.extra for function in FUNCTIONS if function.extra} <= set(described)
    for extra in described:
        pinned = versions(ROOT / "requirements" / f"{extra}.txt")
        assert {name: pinned.get(name) for name in runtime} == runtime, extra


def versions(path: Path) -> dict[str, str]:
    lines = [line for line in path.read_text().splitlines() if line and line[0] not in " #"]
    return {line.partition("==")[0]: line.partition("==")[2] for line in lines}
