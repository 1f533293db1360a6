"""Tests of ARCHITECTURE.md and docs/architecture: named files exist, and every decision has its four parts."""

from __future__ import annotations

import re

import pytest

from tests.docs.pages import ROOT, Page, page, pages

PACKAGE = ROOT / "chalicelib"
ABOUT_CODE = [each for each in pages() if not each.name.startswith("docs/reference/")]
DECISIONS = [each for each in pages() if re.match(r"docs/decisions/\d", each.name)]
LAYERS = ("api", "services", "store", "domain", "workers", "cli", "gateways")
ids = {"ids": lambda value: value.name if isinstance(value, Page) else str(value)}


@pytest.mark.parametrize("shown", ABOUT_CODE, **ids)
def test_named_files_exist(shown: Page) -> None:
    for path in re.findall(r"`((?:[\w-]+/)*[\w-]+\.(?:py|toml|svg))`", shown.prose):
        assert any((base / path).exists() for base in (ROOT, PACKAGE)) or "/" not in path, path
    for path in re.findall(rf"`((?:{'|'.join(LAYERS)})/[\w/]*)`", shown.prose):
        assert (PACKAGE / path).is_dir(), path


@pytest.mark.parametrize("shown", ABOUT_CODE, **ids)
def test_named_functions_are_in_the_file_before_them(shown: Page) -> None:
    for path, name in re.findall(r"`([\w/]+/\w+\.py)` `(\w+)`", shown.prose):
        base = PACKAGE if (PACKAGE / path).exists() else ROOT
        assert re.search(rf"^(?:(?:def|class) {name}\b|{name}\b.* = )", (base / path).read_text(), re.M), (path, name)


def test_the_grid_has_every_layer_and_every_concern() -> None:
    grid = page("ARCHITECTURE.md").prose.partition("## The way of one event")[0]
    concerns = {
        path.name for layer in LAYERS for path in (PACKAGE / layer).iterdir() if (path / "__init__.py").exists()
    }
    for name in [f"`{layer}/`" for layer in LAYERS] + sorted(concerns):
        assert name in grid, name


def test_the_overview_is_short() -> None:
    assert len(page("ARCHITECTURE.md").text.split()) < 1_500


def test_decisions_are_numbered_and_listed() -> None:
    numbers = [int(each.path.name[:4]) for each in DECISIONS]
    assert numbers == list(range(1, len(numbers) + 1))
    listed = page("docs/decisions/README.md").links
    assert listed == [each.path.name for each in DECISIONS]


@pytest.mark.parametrize("shown", DECISIONS, **ids)
def test_a_decision_has_its_parts(shown: Page) -> None:
    title, *headings = re.findall(r"^#+ (.*)$", shown.prose, re.M)
    assert title.startswith(f"{int(shown.path.name[:4])}. ")
    assert headings == ["Context", "Decision", "Alternatives", "Consequences"]
    parts = re.split(r"^## .*$", shown.prose, flags=re.M)[1:]
    assert all(part.strip() for part in parts)
