"""The house rules that a reader relies on: imports point one way, and each Lambda loads only what it needs."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "chalicelib"
MODULES = sorted(PACKAGE.rglob("*.py"))
# Layer -> the layers it may import. `wiring`, `settings`, `retry` and `observability` are modules outside the layers.
ALLOWED = {
    "domain": {"domain"},
    "store": {"domain", "store", "retry"},
    "gateways": {"domain", "gateways", "retry"},
    "services": {"domain", "store", "gateways", "services", "retry"},
    "api": {"domain", "services", "api", "wiring", "settings", "observability"},
    "workers": {"domain", "services", "workers", "wiring", "observability"},
    "cli": {"domain", "store", "gateways", "services", "cli", "wiring", "settings"},
    "wiring": {"domain", "store", "gateways", "services", "settings", "observability"},
    "retry": set(),
    "settings": set(),
    "observability": set(),
}
# Module of workers -> its handlers.
HANDLERS = {
    "progress": ("progress", "progress_own", "progress_backfill"),
    "boards": ("boards",),
    "archive": ("archive",),
    "rotate": ("rotate",),
    "sweep": ("sweep",),
    "verify": ("verify",),
}
# What no queue worker may load: each costs tens of milliseconds of every cold start.
NOT_IN_WORKERS = [
    "pydantic",
    "boto3",
    "moto",
    "jinja2",
    "click",
    "chalicelib.api",
    "chalicelib.cli",
    "aws_xray_sdk",
    "app",
]


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@cache
def imports(path: Path) -> list[str]:
    found = []
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            found += [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append("." * node.level + (node.module or ""))
            if node.module == "chalicelib":
                found += [f"chalicelib.{name.name}" for name in node.names]
    return found


def layer_of(module: str) -> str:
    return module.split(".")[1]


def wrong_layers(path: Path) -> set[str]:
    """Return the layers that a module imports and may not import."""
    parts = path.relative_to(PACKAGE).parts
    if parts == ("__init__.py",):
        return set(imports(path))
    relative = {name for name in imports(path) if name.startswith(".")}
    used = {layer_of(name) for name in imports(path) if name.startswith("chalicelib.")}
    return relative | used - ALLOWED[parts[0].removesuffix(".py")]


def wrong_frameworks(path: Path) -> set[str]:
    """Return the packages that a module imports and its layer must not know."""
    layer = path.relative_to(PACKAGE).parts[0]
    tops = {name.split(".")[0] for name in imports(path)}
    wrong = set[str]()
    if layer != "store":
        wrong |= tops & {"pynamodb"}
    if layer not in ("api", "workers"):
        wrong |= tops & {"chalice"}
    if layer == "domain":
        wrong |= tops - {"chalicelib", "msgspec", *sys.stdlib_module_names}
        wrong |= tops & {"time", "uuid", "random", "secrets", "os", "socket"}
    return wrong


# What a request to DynamoDB is made of.
REQUEST_WORDS = {
    "ConditionCheck",
    "ConditionExpression",
    "Delete",
    "ExpressionAttributeNames",
    "ExpressionAttributeValues",
    "Put",
    "TableName",
    "Update",
    "UpdateExpression",
}


def request_parts(path: Path) -> set[str]:
    """Return what a service or its caller says of requests to the table: their words, its name, its raw writes."""
    if path.relative_to(PACKAGE).parts[0] not in ("api", "services", "workers"):
        return set()
    found = set[str]()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found |= {node.value} & REQUEST_WORDS
        if isinstance(node, ast.Attribute):
            owner = node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
            if owner == "table" and node.attr in ("name", "client", "transact", "apply"):
                found.add(f"table.{node.attr}")
    return found


def violations(rule: Callable[[Path], set[str]]) -> list[str]:
    return [f"{path.relative_to(ROOT)}: {', '.join(sorted(wrong))}" for path in MODULES if (wrong := rule(path))]


def test_imports_point_one_way() -> None:
    assert violations(wrong_layers) == []


def test_each_layer_keeps_its_frameworks_to_itself() -> None:
    assert violations(wrong_frameworks) == []


def test_requests_to_the_table_stay_in_the_store() -> None:
    """Services hand over a transaction, and values; the boards' writer alone does single updates as values."""
    assert violations(request_parts) == ["chalicelib/services/boards/writer.py: table.apply"]


@pytest.mark.parametrize(
    ("place", "source", "parts"),
    [
        (
            "services/core/a.py",
            "writes = [{'Put': {'TableName': context.table.name}}]",
            {"Put", "TableName", "table.name"},
        ),
        ("services/core/b.py", "def f(table): table.transact([])", {"table.transact"}),
        ("services/core/c.py", "tx = context.table.transaction()\ntx.put(item)\nname = rules.name", set()),
        ("store/core/d.py", "writes = [{'Put': {'TableName': self.table.name}}]", set()),
    ],
)
def test_parts_of_requests_are_found(
    place: str, source: str, parts: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules[__name__], "PACKAGE", tmp_path)
    path = tmp_path / place
    path.parent.mkdir(parents=True)
    path.write_text(source)
    assert request_parts(path) == parts


@pytest.mark.parametrize(
    ("place", "source", "layers", "frameworks"),
    [
        ("domain/core/a.py", "from chalicelib.store.core import table\nimport os", {"store"}, {"os"}),
        ("services/core/b.py", "from chalicelib import api\nimport pynamodb.models", {"api"}, {"pynamodb"}),
        ("store/core/c.py", "from . import table\nfrom chalice import Chalice", {"."}, {"chalice"}),
        ("domain/core/d.py", "import botocore", set(), {"botocore"}),
        ("workers/e.py", "from chalicelib.services import context\nimport chalice", set(), set()),
    ],
)
def test_violations_are_found(
    place: str, source: str, layers: set[str], frameworks: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules[__name__], "PACKAGE", tmp_path)
    path = tmp_path / place
    path.parent.mkdir(parents=True)
    path.write_text(source)
    assert wrong_layers(path) == layers
    assert wrong_frameworks(path) == frameworks


@pytest.mark.parametrize("module", HANDLERS)
def test_a_worker_loads_alone_and_without_unneeded_modules(module: str) -> None:
    code = (
        f"import sys; from chalicelib.workers import {module} as worker\n"
        f"print(all(callable(getattr(worker, name)) for name in {HANDLERS[module]!r}))\n"
        f"print([m for m in {NOT_IN_WORKERS!r} if m in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.split() == ["True", "[]"]


def test_app_is_a_list_of_registrations() -> None:
    assert len((ROOT / "app.py").read_text().splitlines()) < 60


def test_the_package_names_no_place_of_the_machine_it_was_written_on() -> None:
    for path in (*MODULES, ROOT / "README.md", ROOT / "ARCHITECTURE.md", ROOT / "Makefile"):
        assert "/home/" not in path.read_text()


REFUSALS = {
    "Forbidden",
    "Gone",
    "Internal",
    "InvalidRequest",
    "MethodNotAllowed",
    "NotFound",
    "ConflictingState",
    "PayloadTooLarge",
    "RejectedEvent",
    "TooManyRequests",
    "Unauthenticated",
    "Unavailable",
    "UnsupportedMediaType",
}


def sentences(path: Path) -> list[str]:
    """Return the sentences of the refusals of a module, as far as the module has them as literals."""
    found = []
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in REFUSALS:
            said = node.args[node.func.id == "RejectedEvent"]
            last = said.values[-1] if isinstance(said, ast.JoinedStr) else said
            if isinstance(last, ast.Constant | ast.FormattedValue):
                found.append(ast.unparse(last).strip("'\""))
    return found


def test_errors_end_with_a_full_stop() -> None:
    said = {sentence: path.name for path in MODULES for sentence in sentences(path)}
    assert len(said) > 50
    assert {
        sentence: name for sentence, name in said.items() if not sentence.endswith((".", "?", "first}", "{end}"))
    } == {}
