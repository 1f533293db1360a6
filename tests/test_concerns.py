"""Concerns point one way: a module imports its own concern and those before it, on every layer."""

from __future__ import annotations

import ast
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "chalicelib"
LAYERS = ("domain", "services", "store", "api")
# Concern -> the concerns that it may import besides itself.
BEFORE: dict[str, set[str]] = {
    "core": set(),
    "identity": {"core"},
    "events": {"core", "identity"},
    "rules": {"core", "identity", "events"},
    "progress": {"core", "identity", "events", "rules"},
    "boards": {"core", "identity", "events", "rules", "progress"},
    "ledger": {"core", "identity", "events", "rules", "progress"},
    "rewards": {"core", "identity", "events", "rules", "progress", "ledger"},
    "invites": {"core", "identity", "events", "rules", "progress", "ledger"},
    "operations": {"core", "identity", "events", "rules", "progress", "boards", "ledger", "rewards", "invites"},
}
# The frame of a layer: modules that all its concerns share, and that know all of them. Domain and store have none; the
# frame of the API is its HTTP adapter.
FRAMES: dict[str, set[str]] = {"domain": set(), "store": set(), "services": {"context", "outbox_messages"}}


def concern_of(module: str) -> str | None:
    """Return the concern of a dotted module name; None for a frame module and outside of the layers of concerns."""
    parts = module.split(".")
    return parts[2] if len(parts) > 2 and parts[1] in LAYERS and parts[2] in BEFORE else None


def wrong_imports(module: str, tree: ast.AST) -> list[str]:
    """Return the imports of a module that its concern may not have."""
    own = concern_of(module)
    used = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    used |= {
        f"{node.module}.{name.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for name in node.names
    }
    used |= {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    return [
        f"{module} -> {name}"
        for name in sorted(used)
        if own and (concern := concern_of(name)) and concern != own and concern not in BEFORE[own]
    ]


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")


def test_each_concern_imports_only_those_before_it() -> None:
    wrong = [
        each
        for path in sorted(PACKAGE.rglob("*.py"))
        for each in wrong_imports(module_name(path), ast.parse(path.read_text()))
    ]
    assert wrong == []


def test_a_wrong_import_is_found() -> None:
    code = "from chalicelib.store.boards.keys import entry\nimport chalicelib.domain.ledger.holds"
    assert wrong_imports("chalicelib.services.progress.apply_events", ast.parse(code)) == [
        "chalicelib.services.progress.apply_events -> chalicelib.domain.ledger.holds",
        "chalicelib.services.progress.apply_events -> chalicelib.store.boards.keys",
        "chalicelib.services.progress.apply_events -> chalicelib.store.boards.keys.entry",
    ]


def test_every_module_is_in_a_concern_or_in_its_layers_frame() -> None:
    found = {
        layer: {
            path.relative_to(PACKAGE / layer).with_suffix("").parts[0]
            for path in (PACKAGE / layer).rglob("*.py")
            if path.name != "__init__.py"
        }
        for layer in FRAMES
    }
    assert {layer: names - BEFORE.keys() for layer, names in found.items()} == FRAMES
