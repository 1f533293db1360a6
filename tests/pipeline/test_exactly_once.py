"""Fifty seeds of the simulation, and every mutant; `make sim` runs a thousand."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.pipeline.mutants import MUTANTS, OF_FREEZES
from tests.pipeline.scenario import LAGGING, run

SEEDS = 50
# `make sim` allows 200; those that need more than a dozen seeds have no place in a fast suite.
MUTANT_SEEDS = 30
# Where to begin with one that the first seeds do not catch.
FIRST_SEED = {"entry_version_ignored": 11, "ttl_taken_as_logic": 12, "rejections_without_rows": 12}
# Of those that close periods while queues lag.
LAGGING_SEEDS = range(1, 1 + LAGGING * MUTANT_SEEDS, LAGGING)


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


def test_freezes_wait_for_queues_that_lag_and_for_one_that_is_never_empty() -> None:
    met: Counter[str] = Counter()
    for seed in LAGGING_SEEDS:
        met += run(seed).world.fault_counts
        if met["freeze_held"] > 10 and met["freeze_of_a_busy_queue"]:
            return
    pytest.fail(f"only these were met: {met}")


@pytest.mark.parametrize("name", sorted(MUTANTS))
def test_a_mutant_is_caught(name: str) -> None:
    first = FIRST_SEED.get(name, 0)
    seeds = LAGGING_SEEDS if MUTANTS[name] in OF_FREEZES else range(first, first + MUTANT_SEEDS)
    for seed in seeds:
        try:
            run(seed, MUTANTS[name])
        except Exception:
            return
    pytest.fail(f"{name} passed {len(seeds)} seeds")
