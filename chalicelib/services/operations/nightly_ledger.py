"""The nightly check of the ledger: it begins once a UTC day, and continues in as many runs as it needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from chalicelib.domain.core.errors import OutOfReach
from chalicelib.domain.core.periods import day_of
from chalicelib.retry import CALL_MS
from chalicelib.services.context import Context, OutOfTime
from chalicelib.services.ledger.verify_postings import Difference
from chalicelib.services.operations.ledger_check import LedgerCheck
from chalicelib.services.operations.suspects import Verified
from chalicelib.store.operations.ledger_checks import read_check, save_check
from chalicelib.store.operations.runs import read_runs

FUNCTION = "verify_ledger"
# The form of the saved state: raise it when `ledger_check.State` or the meaning of its members changes.
FORM = 1
# Time to save the state and to record the run: some ten calls.
SAVE_MS = 30_000


@dataclass(frozen=True, slots=True)
class Night:
    """The result of a run. `done`: the check is complete. `verified`: the result so far.

    `differences`: those that this run has found.
    """

    done: bool
    verified: Verified
    differences: list[Difference] = field(default_factory=list)


def verify_ledger_nightly(context: Context, wait: Callable[[], None]) -> Night | None:
    """Begin or continue the check of the day, until the deadline is near. Return None if it was done before.

    Raises ConditionFailed if another run has continued the same check in the meantime.
    """
    now_ms = context.now_ms()
    saved = read_check(context.table, FORM, now_ms)
    if saved.state is None:
        last = read_runs(context.table, [FUNCTION]).get(FUNCTION)
        if last and day_of(last.done_ms) >= day_of(now_ms):
            return None
    # The end of the time is left for saving.
    ends_ms = context.deadline_ms
    working = context if ends_ms is None else context.within(ends_ms - now_ms - SAVE_MS)
    check = LedgerCheck(working, wait, saved=saved.state)
    known = len(check.verified.differences)
    try:
        check.run()
    except OutOfReach as error:
        # Also without time left, calls are refused in the middle of a page: it is done again.
        if check.saved and check.saved != saved.state:
            save_check(context.table, saved, check.saved, FORM, context.now_ms())
        if working.has_time(CALL_MS) and not isinstance(error, OutOfTime):
            raise
        before = LedgerCheck(context, wait, saved=check.saved).verified
        return Night(False, before, before.differences[known:])
    save_check(context.table, saved, None, FORM, context.now_ms())
    return Night(True, check.verified, check.verified.differences[known:])
