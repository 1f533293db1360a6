"""Tests of the zips: their contents fit the runtime, and nothing else is in them."""

from __future__ import annotations

import json
import re
import struct
import subprocess
import sys
import zipfile
from pathlib import Path
from zipfile import ZipFile

import pytest

from chalicelib.domain.rules.ruleset import load
from infra.openapi.document import document
from infra.openapi.page import page
from infra.package import Package, package
from infra.settings import FUNCTIONS, Build

SHIPPED = {
    *("app.py", "__pycache__", "chalice", "chalicelib"),
    *("aws_lambda_powertools", "botocore", "dateutil", "jmespath", "msgspec", "pynamodb", "urllib3"),
    *("six.py", "typing_extensions.py"),
}
AARCH64 = 183  # e_machine
MINOR = sys.version_info.minor
# The C library of the runtime's Amazon Linux: 2 until Python 3.11, 2023 since.
GLIBC_MINOR = 26 if MINOR < 12 else 34

IMPORT = """
import importlib, json, sys
module, name = sys.argv[2].rsplit(".", 1)
sys.path.insert(0, sys.argv[1])
assert callable(getattr(importlib.import_module(module), name))
loaded = [m for m in list(sys.modules.values()) if getattr(m, "__file__", None)]
print(json.dumps([[m.__name__, m.__file__, getattr(m, "__cached__", None)] for m in loaded]))
"""


def native(archive: ZipFile) -> list[str]:
    return [name for name in archive.namelist() if ".so" in Path(name).suffixes]


def test_the_zip_has_only_files_that_lambda_needs(aws_zip: ZipFile) -> None:
    assert {name.split("/", 1)[0] for name in aws_zip.namelist()} == SHIPPED
    chalice = {name for name in aws_zip.namelist() if name.startswith("chalice/") and name.endswith(".py")}
    assert chalice == {"chalice/__init__.py", "chalice/app.py"}
    assert not [name for name in aws_zip.namelist() if name.startswith("chalicelib/cli/")]


def test_the_zip_has_the_api_document_and_its_page_as_files(aws_zip: ZipFile) -> None:
    assets = {name for name in aws_zip.namelist() if name.startswith("chalicelib/api/assets/")}
    assert assets == {"chalicelib/api/assets/openapi.json", "chalicelib/api/assets/docs.html"}
    assert json.loads(aws_zip.read("chalicelib/api/assets/openapi.json")) == document()
    assert aws_zip.read("chalicelib/api/assets/docs.html").decode() == page()


def test_both_zips_hold_the_same_but_for_the_machine(aws_zip: ZipFile, local_package: Package) -> None:
    def names(archive: ZipFile) -> set[str]:
        return set(archive.namelist()) - set(native(archive))

    with ZipFile(local_package.zip) as local:
        assert names(aws_zip) == names(local)


def test_native_files_fit_architecture_and_runtime(aws_zip: ZipFile) -> None:
    found = native(aws_zip)
    assert found, "msgspec has a native core"
    for name in found:
        content = aws_zip.read(name)
        assert content[:5] == b"\x7fELF\x02", f"{name} is no 64-bit ELF file"
        assert struct.unpack_from("<H", content, 18) == (AARCH64,), f"{name} is for another machine"
        assert f".cpython-3{MINOR}-" in name or ".abi3." in name, f"{name} is for another Python"
        needed = [int(minor) for minor in re.findall(rb"GLIBC_2\.(\d+)", content)]
        assert max(needed) <= GLIBC_MINOR, f"{name} needs a newer C library"


def test_the_template_asks_for_the_runtime_the_zip_is_for(aws_package: Package) -> None:
    resources = json.loads(aws_package.template.read_text())["Resources"]
    runtimes = {resource["Properties"].get("Runtime") for resource in resources.values()} - {None}
    assert runtimes == {f"python3.{MINOR}"}


def test_every_module_is_compiled_with_an_unchecked_hash(aws_zip: ZipFile) -> None:
    names = set(aws_zip.namelist())
    sources = [name for name in names if name.endswith(".py")]
    assert len(sources) > 300
    for name in sources:
        folder, _, file = name.rpartition("/")
        prefix = f"{folder}/" if folder else ""
        compiled = f"{prefix}__pycache__/{file.removesuffix('.py')}.{sys.implementation.cache_tag}.pyc"
        assert compiled in names, f"{name} has no .pyc"
        # PEP 552: flags 1 is a hash that the interpreter does not check against the source.
        assert struct.unpack_from("<I", aws_zip.read(compiled), 4) == (1,), f"{compiled} would be checked"


def import_alone(place: Path, handler: str, tracing: str = "0") -> subprocess.CompletedProcess[str]:
    """Import a handler in a fresh interpreter that has the standard library and `place`, nothing else."""
    names = ("EVENTS", "OWN", "BACKFILL", "BOARDS", "REJECTED", "DEAD_LETTER", "BOARDS_DEAD_LETTER")
    environment = {f"LAUREL_{name}_QUEUE": f"https://sqs.us-east-1.amazonaws.com/1/{name}" for name in names}
    environment |= {f"LAUREL_{name}": "test" for name in ("STAGE", "TABLE", "BUS")}
    environment |= {"LAUREL_RULESET": "default.toml", "LAUREL_TRACING": tracing}
    environment |= {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1"}
    command = [sys.executable, "-I", "-S", "-c", IMPORT, str(place), handler]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd="/")


@pytest.mark.parametrize("handler", [function.handler for function in FUNCTIONS])
def test_handler_imports_from_the_zip_alone(unpacked: Path, handler: str) -> None:
    done = import_alone(unpacked, handler)
    assert done.returncode == 0, done.stderr
    loaded = json.loads(done.stdout.splitlines()[-1])
    ours = [(name, file, cached) for name, file, cached in loaded if file.startswith(str(unpacked))]
    assert len(ours) > 3
    assert not [file for _, file, _ in loaded if "site-packages" in file]
    for name, _, cached in ours:
        if cached:
            assert Path(cached).is_file(), f"{name} was compiled at import"


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
def test_handler_is_in_the_aws_zip(aws_zip: ZipFile, function: object) -> None:
    module, _, name = function.handler.rpartition(".")  # type: ignore[attr-defined]
    source = aws_zip.read(module.replace(".", "/") + ".py").decode()
    assert re.search(rf"^(def {name}\(|{name}\b.*=)", source, re.MULTILINE)


def test_the_same_sources_make_the_same_zip(local_package: Package, tmp_path: Path) -> None:
    again = package(Build("local", "local"), tmp_path / "again")
    if again.recipe != local_package.recipe:
        pytest.skip("the sources were edited while this ran")
    assert again.zip.read_bytes() == local_package.zip.read_bytes()


def test_a_custom_ruleset_is_shipped_and_chosen(tmp_path: Path) -> None:
    own = tmp_path / "mine.toml"
    default = Path(__file__).parents[2] / "chalicelib" / "rulesets" / "default.toml"
    own.write_text(default.read_text().replace("Beginner", "Novice"))
    made = package(Build("local", "local", ruleset=own), tmp_path / "out")
    with ZipFile(made.zip) as archive:
        assert archive.read("chalicelib/rulesets/mine.toml") == own.read_bytes()
    template = json.loads(made.template.read_text())
    variables = template["Resources"]["Boards"]["Properties"]["Environment"]
    assert variables["Variables"]["LAUREL_RULESET"] == "mine.toml"
    assert template["Outputs"]["RulesetId"]["Value"] == load(own).id != load(default).id


@pytest.mark.proof
def test_a_traced_zip_carries_the_tracer(tmp_path: Path) -> None:
    traced = package(Build("local", "local", tracing=True), tmp_path / "out")
    place = tmp_path / "task"
    with ZipFile(traced.zip) as archive:
        archive.extractall(place)
    done = import_alone(place, "chalicelib.workers.boards.boards", tracing="1")
    assert done.returncode == 0, done.stderr
    assert "aws_xray_sdk" in done.stdout


def test_the_zip_stays_small(aws_package: Package) -> None:
    assert aws_package.zip.stat().st_size < 8_000_000
    with zipfile.ZipFile(aws_package.zip) as archive:
        models = {name.split("/")[2] for name in archive.namelist() if re.match(r"botocore/data/[^/]+/", name)}
    assert models == {"dynamodb", "sqs", "events"}
