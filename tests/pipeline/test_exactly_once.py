"""Fifty seeds of the simulation, and every mutant; `make sim` runs a thousand."""

from __future__ import annotations

import pytest

from tests.pipeline.mutants import MUTANTS
from tests.pipeline.scenario import run

SEEDS = 50
# `make sim` allows 200; those that need more than a dozen seeds have no place in a fast suite.
MUTANT_SEEDS = 30
# Where to begin with one that the first seeds do not catch.
FIRST_SEED = {"ttl_taken_as_logic": 12, "rejections_without_rows": 12}


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_seed_ends_as_the_model_says(seed: int) -> None:
    plant = run(seed)
    assert plant.world.fault_counts["reorder"] > 0


def test_the_same_seed_takes_the_same_steps() -> None:
    assert run(3).world.trace == run(3).world.trace


def test_faults_of_every_kind_are_met() -> None:
    met = {name for seed in range(3) for name, count in run(seed).world.fault_counts.items() if count}
    assert met >= {
        "kill_before", "kill_after", "kill_mid", "lost_request", "lost_answer", "server_error", "throttle", "conflict",
        "partial", "torn", "duplicate", "reorder",
    }  # fmt: skip


@pytest.mark.parametrize("name", sorted(MUTANTS))
def test_a_mutant_is_caught(name: str) -> None:
    first = FIRST_SEED.get(name, 0)
    for seed in range(first, first + MUTANT_SEEDS):
        try:
            run(seed, MUTANTS[name])
        except Exception:
            return
    pytest.fail(f"{name} passed {MUTANT_SEEDS} seeds")
