"""Seeds of this commit, seeds that once failed, and each mutant at a seed that catches it.

`make proof` runs 200 seeds of the simulation and searches for mutants, `make sim` a thousand.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.pipeline.mutants import MUTANTS, OF_IMPORTS
from tests.pipeline.scenario import run
from tests.seeds import catches, commit_seeds

# Seed -> what it found.
REGRESSIONS = {
    947: "the judge counted a commit as before a first one that it could not have seen",
    702_331: "messages from before the bound came back for 50 minutes, after the last rotation",
}
# A seed in which queues lag, freezes wait, and a queue is never empty.
HELD = 85
# Mutant -> a seed that catches it. A change of Laurel may move it: `python -m tests.pipeline --mutant NAME` finds one.
CAUGHT_BY = {
    "dedupe_dropped": 4,
    "version_condition_dropped": 2,
    "weak_read": 0,
    "outbox_skipped": 0,
    "ttl_taken_as_logic": 9,
    "failed_entries_unread": 1,
    "envelopes_not_taken_unread": 6,
    "rejections_without_rows": 4,
    "unprocessed_keys_unread": 0,
    "entry_version_ignored": 11,
    "late_by_the_clock": 1,
    "never_late": 0,
    "level_tells_nobody": 0,
    "freeze_does_not_wait": 1,
    "queue_that_stands_still_is_clear": 1,
    "in_flight_not_counted": 7,
    "received_not_noted": 7,
    "import_not_recorded": 3,
    "import_forgotten_after_90_days": 3,
    "changed_import_is_a_duplicate": 3,
    "imported_levels_paid": 3,
    "imported_xp_of_the_day": 3,
    "imported_milestones_unmarked": 3,
    "imported_balance_doubled": 3,
}


@pytest.mark.parametrize("seed", [*REGRESSIONS, *commit_seeds()])
def test_a_seed_ends_as_the_model_says(seed: int) -> None:
    plant = run(seed)
    assert plant.world.fault_counts["reorder"] > 0


def test_the_same_seed_takes_the_same_steps_and_meets_faults_of_every_kind() -> None:
    first, second = run(2).world, run(2).world
    assert first.trace == second.trace
    assert {name for name, count in first.fault_counts.items() if count} >= {
        "kill_before", "kill_after", "kill_mid", "lost_request", "lost_answer", "server_error", "throttle", "conflict",
        "partial", "torn", "duplicate", "reorder",
    }  # fmt: skip


def test_freezes_wait_for_queues_that_lag_and_for_one_that_is_never_empty() -> None:
    met = run(HELD).world.fault_counts
    assert met["freeze_held"] > 10
    assert met["freeze_of_a_busy_queue"] > 0


def test_every_mutant_has_a_seed() -> None:
    assert CAUGHT_BY.keys() == MUTANTS.keys()


def _cases() -> list[Any]:
    """Return all mutants; those of imports but one only in `make proof`: each takes two seconds."""
    slow = {mutant.__name__ for mutant in OF_IMPORTS[1:]}
    return [pytest.param(name, marks=[pytest.mark.proof] * (name in slow)) for name in sorted(CAUGHT_BY)]


@pytest.mark.parametrize("name", _cases())
def test_a_mutant_is_caught(name: str) -> None:
    assert catches(run, MUTANTS[name], CAUGHT_BY[name])
