"""Tests of the deployed ruleset: the command reads it from the stack, with any options."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from chalicelib.domain.rules.ruleset import load
from chalicelib.settings import RULESETS
from infra.local.stack import Stack
from tests.stack.test_stack_pipeline import LAUREL, run_laurel

DEFAULT = RULESETS / "default.toml"


def test_the_command_refuses_another_ruleset_than_the_stacks(stack: Stack, tmp_path: Path) -> None:
    said = run_laurel(stack, "ruleset", "apply", "--dry-run")
    assert said.startswith(f"ruleset {load(DEFAULT).id}\n")
    other = tmp_path / "mine.toml"
    other.write_text(DEFAULT.read_text().replace('title = "Explorer"', 'title = "Wanderer"'))
    done = subprocess.run(
        [LAUREL, "--ruleset", str(other), "ruleset", "apply", "--dry-run"],
        env=os.environ | stack.environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert f"'{load(DEFAULT).id}'" in done.stderr
    assert f"'{load(other).id}'" in done.stderr
