"""The house rules that a reader relies on: imports point one way, and each Lambda loads only what it needs."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "chalicelib"
MODULES = sorted(PACKAGE.rglob("*.py"))
# Layer -> the layers it may import. `wiring`, `settings`, `retry` and `observability` are modules beside the layers.
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
HANDLERS = [
    "chalicelib.workers.progress.progress",
    "chalicelib.workers.progress.progress_own",
    "chalicelib.workers.progress.progress_backfill",
    "chalicelib.workers.boards.boards",
    "chalicelib.workers.archive.archive",
    "chalicelib.workers.rotate.rotate",
    "chalicelib.workers.sweep.sweep",
    "chalicelib.workers.verify.verify",
]
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


def imports(path: Path) -> list[str]:
    tree = ast.parse(path.read_text())
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide the layer"
            found.append(node.module or "")
            if node.module == "chalicelib":
                found += [f"chalicelib.{name.name}" for name in node.names]
    return found


def layer_of(module: str) -> str:
    return module.split(".")[1]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_one_way(path: Path) -> None:
    parts = path.relative_to(PACKAGE).parts
    if parts == ("__init__.py",):
        assert not imports(path)
        return
    layer = parts[0].removesuffix(".py")
    used = {layer_of(name) for name in imports(path) if name.startswith("chalicelib.")}
    assert used <= ALLOWED[layer], f"{layer} may not import {sorted(used - ALLOWED[layer])}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_layer_keeps_its_frameworks_to_itself(path: Path) -> None:
    layer = path.relative_to(PACKAGE).parts[0]
    tops = {name.split(".")[0] for name in imports(path)}
    if layer != "store":
        assert "pynamodb" not in tops
    if layer not in ("api", "workers"):
        assert "chalice" not in tops
    if layer == "domain":
        assert tops <= {"chalicelib", "msgspec", *sys.stdlib_module_names}
        assert not tops & {"time", "uuid", "random", "secrets", "os", "socket"}


@pytest.mark.parametrize("handler", HANDLERS)
def test_a_worker_loads_alone_and_without_what_it_does_not_need(handler: str) -> None:
    module, _, name = handler.rpartition(".")
    code = (
        f"import sys, importlib; fn = getattr(importlib.import_module({module!r}), {name!r}); assert callable(fn)\n"
        f"print([m for m in {NOT_IN_WORKERS!r} if m in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip() == "[]"


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
    "NotPossible",
    "PayloadTooLarge",
    "RejectedEvent",
    "TooManyRequests",
    "Unauthenticated",
    "Unavailable",
    "UnsupportedMediaType",
}


def sentences(path: Path) -> list[str]:
    """What the refusals of a module say, as far as it stands where they are made."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in REFUSALS:
            said = node.args[node.func.id == "RejectedEvent"]
            last = said.values[-1] if isinstance(said, ast.JoinedStr) else said
            if isinstance(last, ast.Constant | ast.FormattedValue):
                found.append(ast.unparse(last).strip("'\""))
    return found


def test_errors_end_with_a_full_stop() -> None:
    said = {sentence: path.name for path in MODULES for sentence in sentences(path)}
    assert len(said) > 50
    assert {sentence: name for sentence, name in said.items() if not sentence.endswith((".", "?", "first}"))} == {}
