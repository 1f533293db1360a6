"""Tests of the Makefile: PYTHON replaces an environment of another version."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def python(path: Path, version: tuple[int, int]) -> Path:
    """Write an interpreter that only prints its version."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'#!/bin/sh\ncase "$*" in *version_info\\[:2\\]*) echo "{version}";; esac\n')
    path.chmod(0o755)
    return path


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Make a checkout whose environment has Python 3.11 and is complete."""
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    for name in ("requirements/run.txt", "requirements/dev.txt", ".venv/bin/uv", ".venv/.run-ready", ".venv/.ready"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    python(tmp_path / ".venv" / "bin" / "python", (3, 11))
    return tmp_path


def steps(checkout: Path, *words: str) -> str:
    """Return the commands that make would run for the environment."""
    command = ["make", "--dry-run", "--old-file=pyproject.toml", *words, ".venv/.ready"]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=True)
    return done.stdout


def test_another_version_replaces_the_environment(checkout: Path) -> None:
    chosen = python(checkout / "python3.12", (3, 12))
    shown = steps(checkout, f"PYTHON={chosen}")
    assert f"{chosen} -m venv --clear .venv" in shown
    assert "uv pip install" in shown
    assert "uv pip sync" in shown


@pytest.mark.parametrize("words", [(), ("PYTHON=./python3.11",)], ids=["none", "same"])
def test_the_environment_stays_without_another_version(checkout: Path, words: tuple[str, ...]) -> None:
    python(checkout / "python3.11", (3, 11))
    assert "venv --clear" not in steps(checkout, *words)
