"""Seeds of this commit, seeds that once failed, and each mutant at a seed that catches it.

`make proof` runs 200 seeds of the simulation and searches for mutants, `make sim` a thousand.
"""

from __future__ import annotations

import pytest

from tests.economy.mutants import MUTANTS
from tests.economy.scenario import run
from tests.seeds import catches, commit_seeds

# Seed -> what it found.
REGRESSIONS = {
    80: "a refund during another one failed: the payment was already taken back",
    84: "rows of one read, before and after a refund, refused a redemption permanently",
    105: "a rotation answered a number of uses that had grown before its write",
}
# Mutant -> a seed that catches it. A change of Laurel may move it: `python -m tests.economy --mutant NAME` finds one.
CAUGHT_BY = {
    "key_condition_dropped": 0,
    "key_written_apart": 0,
    "as_read_dropped": 0,
    "account_unconditional": 0,
    "refusal_forgotten": 0,
    "outbox_unwritten": 0,
    "outbox_deleted_first": 0,
    "limits_apart": 14,
    "hold_unconditional": 2,
    "hold_never_expires": 18,
    "key_expires_by_ttl": 16,
    "weak_read": 0,
    "lost_answer_believed": 0,
    "stock_unconditional": 44,
    "resolution_unconditional": 20,
    "correction_unconditional": 0,
    "uses_unconditional": 57,
    "unanswered_try_forgotten": 3,
    "key_not_forestalled": 3,
    "pair_unconditional": 113,
}


@pytest.mark.parametrize("seed", [*REGRESSIONS, *commit_seeds()])
def test_a_seed_ends_as_the_model_says(seed: int) -> None:
    run(seed)


def test_the_same_seed_takes_the_same_steps_and_meets_faults_of_every_kind() -> None:
    first, second = run(5).world, run(5).world
    assert first.trace == second.trace
    assert {name for name, count in first.fault_counts.items() if count} >= {
        "kill_before", "kill_after", "lost_request", "lost_answer", "server_error", "throttle", "conflict", "partial",
        "torn", "stale", "duplicate", "reorder",
    }  # fmt: skip


def test_every_mutant_has_a_seed() -> None:
    assert CAUGHT_BY.keys() == MUTANTS.keys()


@pytest.mark.parametrize("name", sorted(CAUGHT_BY))
def test_a_mutant_is_caught(name: str) -> None:
    assert catches(run, MUTANTS[name], CAUGHT_BY[name])
