"""Record the last finished run of each scheduled function."""

from __future__ import annotations

from chalicelib.domain.core.periods import MINUTE_MS
from chalicelib.services.context import Context
from chalicelib.store.operations.runs import Run, read_runs, write_run

HOUR_MS = 60 * MINUTE_MS
# Scheduled function -> a run is late so long after the last one that finished. The limits allow for two runs that fail.
# The ledger is verified once a day, and takes as long as its size requires: up to six hours longer than the day before.
LATE_MS = {
    "sweep": 5 * MINUTE_MS,
    "rotate": 15 * MINUTE_MS,
    "verify": 3 * HOUR_MS,
    "archive": 18 * HOUR_MS,
    "verify_ledger": 30 * HOUR_MS,
}


def finish_run(context: Context, function: str, found: int = 0) -> None:
    """Record that a run has done all of its work, and since when runs do so with this result.

    `found`: the number of differences that it found.
    """
    now_ms = context.now_ms()
    last = read_runs(context.table, [function]).get(function)
    continues = last is not None and bool(last.found) == bool(found) and now_ms - last.done_ms <= LATE_MS[function]
    since_ms = last.since_ms if last and continues else now_ms
    write_run(context.table, Run(function, now_ms, since_ms, found))
