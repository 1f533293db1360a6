"""What the API's Lambda imports when it starts, in a fresh interpreter."""

from __future__ import annotations

import subprocess
import sys

import pytest

SHOW = """
import sys, app
needed = ("chalicelib.api.progress.players", "chalicelib.store.core.models")
missing = [name for name in needed if name not in sys.modules]
print(*missing, *[name for name in {names!r} if name in sys.modules])
"""
LATER = [
    "chalicelib.api.operations.openapi",
    "chalicelib.api.operations.page",
    "chalicelib.api.operations.examples",
    "difflib",
]
NEVER = ["boto3", "chalicelib.cli", "click", "hypothesis", "infra", "moto", "pydantic", "yaml"]


@pytest.mark.parametrize("names", [LATER, NEVER])
def test_what_is_not_needed_is_not_imported(names: list[str]) -> None:
    done = subprocess.run([sys.executable, "-c", SHOW.format(names=names)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_importing_makes_no_client_and_reads_no_ruleset() -> None:
    code = "import app; from chalicelib import wiring; print(wiring.context.cache_info().misses)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0"
