"""Shared fixtures of the rules' tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

import chalicelib
from chalicelib.domain.rules import ruleset
from chalicelib.domain.rules.ruleset import Rules
from tests.domain.progress.desk import Desk

DEFAULT = Path(chalicelib.__file__).parent / "rulesets" / "default.toml"

settings.register_profile(
    "fixed", derandomize=True, database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("fixed")


@pytest.fixture(scope="session")
def rules() -> Rules:
    """Return the default ruleset."""
    return ruleset.load(DEFAULT)


@pytest.fixture(scope="session")
def default_text() -> str:
    """Return the text of the default ruleset's file."""
    return DEFAULT.read_text("utf-8")


@pytest.fixture(scope="session")
def changed_rules(default_text: str) -> Callable[..., Rules]:
    """Return a function that makes the default ruleset with passages replaced: `changed_rules(("old", "new"), ...)`."""

    def change(*replacements: tuple[str, str]) -> Rules:
        text = default_text
        for old, new in replacements:
            assert old in text, old
            text = text.replace(old, new)
        return ruleset.parse(text.encode(), "changed.toml")

    return change


@pytest.fixture
def desk(rules: Rules) -> Desk:
    """Return an empty deployment with the default ruleset."""
    return Desk(rules)
