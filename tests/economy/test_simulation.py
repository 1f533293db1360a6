"""Some seeds of the simulation, and every mutant; `make sim` runs a thousand."""

from __future__ import annotations

import pytest

from tests.economy.mutants import MUTANTS
from tests.economy.scenario import run
from tests.economy.traffic import STYLES

SEEDS = 16
# Of each style: enough for every mutant in the style that meets it.
MUTANT_SEEDS = 24
# The others are caught by the first seeds of any.
MET_BY = {
    "correction_unconditional": "by admins",
    "hold_never_expires": "held",
    "hold_unconditional": "held",
    "key_not_forestalled": "retired under way",
    "limits_apart": "too often",
    "pair_unconditional": "friends",
    "resolution_unconditional": "rewards",
    "stock_unconditional": "rewards",
    "unanswered_try_forgotten": "retired under way",
    "uses_unconditional": "friends",
}


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_seed_ends_as_the_model_says(seed: int) -> None:
    run(seed)


def test_the_same_seed_takes_the_same_steps() -> None:
    assert run(3).world.trace == run(3).world.trace


def test_faults_of_every_kind_are_met() -> None:
    met = {name for seed in range(6) for name, count in run(seed).world.fault_counts.items() if count}
    assert met >= {
        "kill_before", "kill_after", "lost_request", "lost_answer", "server_error",
        "throttle", "conflict", "partial", "torn", "stale", "duplicate", "reorder",
    }  # fmt: skip


@pytest.mark.parametrize("name", sorted(MUTANTS))
def test_a_mutant_is_caught(name: str) -> None:
    styles = sorted(STYLES)
    first, step = (styles.index(MET_BY[name]), len(styles)) if name in MET_BY else (0, 1)
    for seed in range(first, first + MUTANT_SEEDS * step, step):
        try:
            run(seed, MUTANTS[name])
        except Exception:
            return
    pytest.fail(f"{name} passed {MUTANT_SEEDS} seeds")
