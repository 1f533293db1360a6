"""Fifty seeds of the boards' simulation, and every mutant; `make sim` runs a thousand."""

from __future__ import annotations

import pytest

from tests.boards.mutants import MUTANTS
from tests.boards.scenario import run
from tests.seeds import catching_seed

SEEDS = 50
# `make sim` allows 200. What needs more than a dozen, test_interleavings catches at once.
MUTANT_SEEDS = 40
SLOW = {
    "freeze_guard",
    "steps_noted_whatever_came_between",
    "steps_have_no_number",
    "corrections_whatever_came_between",
}
# Where to begin with those that the first seeds do not catch.
FIRST_SEED = {
    "begin_unconditional": 1,
    "repair_counts_on": 8,
    "throttle_given_up": 3,
    "every_tally_counts": 10,
}


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_seed_ends_as_the_sorted_list_says(seed: int) -> None:
    run(seed)


def test_the_same_seed_takes_the_same_steps() -> None:
    assert run(3).world.trace == run(3).world.trace


def test_faults_of_every_kind_are_met() -> None:
    met = {name for seed in range(3) for name, count in run(seed).world.fault_counts.items() if count}
    assert met >= {
        "kill_before", "kill_after", "lost_request", "lost_answer", "late_effect", "server_error", "throttle",
        "conflict", "partial", "torn", "stale", "stall", "duplicate", "reorder", "expired_receipt",
    }  # fmt: skip


@pytest.mark.parametrize("name", sorted(MUTANTS.keys() - SLOW))
def test_a_mutant_is_caught(name: str) -> None:
    caught = catching_seed(run, MUTANTS[name], MUTANT_SEEDS, FIRST_SEED.get(name, 0))
    assert caught is not None, f"{name} passed {MUTANT_SEEDS} seeds"
