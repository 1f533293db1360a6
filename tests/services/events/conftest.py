"""A Sunday that is over, for tests of the event backlog."""

from __future__ import annotations

import pytest

from chalicelib.domain.rules.ruleset import Rules
from chalicelib.settings import RULESETS
from tests.pipeline import plant as plants
from tests.pipeline.plant import Plant
from tests.services.events.backlog_steps import after_sunday


@pytest.fixture(scope="module")
def default_rules() -> Rules:
    return plants.rules(RULESETS / "default.toml")


@pytest.fixture
def plant(default_rules: Rules) -> Plant:
    return after_sunday(default_rules)
