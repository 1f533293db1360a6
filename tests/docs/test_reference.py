"""Tests of docs/reference: the generator makes its pages, and its texts cover all of the code."""

from __future__ import annotations

import ast
import re

import pytest

from infra.reference.event_texts import REASONS
from infra.reference.pages import FOLDER, pages
from infra.reference.settings import MAKE
from tests.docs.pages import ROOT

GENERATED = pages()


@pytest.mark.parametrize("name", GENERATED)
def test_pages_are_up_to_date(name: str) -> None:
    assert (FOLDER / name).read_text() == GENERATED[name], "run: make docs"


def test_no_page_is_left_over() -> None:
    assert {file.name for file in FOLDER.iterdir()} == set(GENERATED)


def test_every_reason_of_a_rejection_has_a_text() -> None:
    found = set()
    for path in (ROOT / "chalicelib").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "RejectedEvent":
                assert isinstance(node.args[0], ast.Constant), f"{path}: the reason is not a literal"
                found.add(node.args[0].value)
    assert found == set(REASONS)


def test_the_variables_of_make_are_those_of_the_makefile_and_of_infra() -> None:
    sources = [(ROOT / "Makefile").read_text(), *(path.read_text() for path in (ROOT / "infra").rglob("*.py"))]
    for name in MAKE:
        assert any(re.search(rf"\b{name}\b", source) for source in sources[:1] + sources[1:]), name
    assert set(re.findall(r"^([A-Z]+) \?=", sources[0], re.M)) <= set(MAKE)
