"""Forty seeds of the simulation, and every mutant; `make sim` runs a thousand."""

from __future__ import annotations

import pytest

from tests.economy.mutants import MUTANTS
from tests.economy.scenario import run

SEEDS = 40
# `make sim` allows 200; those that need more have no place in a fast suite.
MUTANT_SEEDS = 60


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_seed_ends_as_the_model_says(seed: int) -> None:
    run(seed)


def test_the_same_seed_takes_the_same_steps() -> None:
    assert run(3).world.trace == run(3).world.trace


def test_faults_of_every_kind_are_met() -> None:
    met = {name for seed in range(12) for name, count in run(seed).world.fault_counts.items() if count}
    assert met >= {
        "kill_before", "kill_after", "kill_mid", "lost_request", "lost_answer", "late_effect", "server_error",
        "throttle", "conflict", "partial", "torn", "stale", "duplicate", "reorder",
    }  # fmt: skip


@pytest.mark.parametrize("name", sorted(MUTANTS))
def test_a_mutant_is_caught(name: str) -> None:
    for seed in range(MUTANT_SEEDS):
        try:
            run(seed, MUTANTS[name])
        except Exception:
            return
    pytest.fail(f"{name} passed {MUTANT_SEEDS} seeds")
