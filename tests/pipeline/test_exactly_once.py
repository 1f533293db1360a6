"""Fifty seeds of the simulation, and every mutant; `make sim` runs a thousand."""

from __future__ import annotations

import pytest

from tests.pipeline.mutants import MUTANTS
from tests.pipeline.scenario import run

SEEDS = 50
# `make sim` allows 200; those that need more than a dozen seeds have no place in a fast suite.
MUTANT_SEEDS = 30


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_seed_ends_as_the_model_says(seed: int) -> None:
    plant = run(seed)
    assert plant.world.fault_counts["reorder"] > 0


def test_the_same_seed_takes_the_same_steps() -> None:
    assert run(3).world.trace == run(3).world.trace


def test_faults_of_every_kind_are_met() -> None:
    met = {name for seed in range(6) for name, count in run(seed).world.fault_counts.items() if count}
    assert met >= {
        "kill_before", "kill_after", "kill_mid", "lost_request", "lost_answer", "server_error", "throttle", "conflict",
        "partial", "torn", "duplicate", "reorder",
    }  # fmt: skip


@pytest.mark.parametrize("name", sorted(MUTANTS))
def test_a_mutant_is_caught(name: str) -> None:
    for seed in range(MUTANT_SEEDS):
        try:
            run(seed, MUTANTS[name])
        except Exception:
            return
    pytest.fail(f"{name} passed {MUTANT_SEEDS} seeds")
