"""Seeds of this commit, and each mutant at a seed that catches it.

`make proof` runs 200 seeds of the simulation and searches for mutants, `make sim` a thousand.
"""

from __future__ import annotations

import pytest

from tests.boards.mutants import MUTANTS
from tests.boards.scenario import run
from tests.seeds import catches, commit_seeds

# Seed -> what it found. None failed since the simulation has its present shape.
REGRESSIONS: dict[int, str] = {}
# Mutant -> a seed that catches it. A change of Laurel may move it: `python -m tests.boards --mutant NAME` finds one.
CAUGHT_BY = {
    "finish_unconditional": 2,
    "begin_unconditional": 0,
    "entry_guard": 17,
    "node_guard": 0,
    "freeze_guard": 1,
    "entry_deleted": 0,
    "zeroed_node_deleted": 0,
    "entries_read_weakly": 0,
    "entries_read_before_the_log": 0,
    "throttle_given_up": 0,
    "taken_for_its_own": 11,
    "repair_counts_on": 4,
    "moves_not_added": 3,
    "all_moves_counted": 2,
    "cursor_unknown": 3,
    "every_tally_counts": 0,
    "steps_noted_whatever_came_between": 12,
    "steps_have_no_number": 61,
    "corrections_whatever_came_between": 29,
}


@pytest.mark.parametrize("seed", [*REGRESSIONS, *commit_seeds()])
def test_a_seed_ends_as_the_sorted_list_says(seed: int) -> None:
    run(seed)


def test_the_same_seed_takes_the_same_steps_and_meets_faults_of_every_kind() -> None:
    first, second = run(4).world, run(4).world
    assert first.trace == second.trace
    assert {name for name, count in first.fault_counts.items() if count} >= {
        "kill_before", "kill_after", "lost_request", "lost_answer", "late_effect", "server_error", "throttle",
        "conflict", "partial", "torn", "stale", "stall", "duplicate", "reorder", "expired_receipt",
    }  # fmt: skip


def test_every_mutant_has_a_seed() -> None:
    assert CAUGHT_BY.keys() == MUTANTS.keys()


@pytest.mark.parametrize("name", sorted(CAUGHT_BY))
def test_a_mutant_is_caught(name: str) -> None:
    assert catches(run, MUTANTS[name], CAUGHT_BY[name])
