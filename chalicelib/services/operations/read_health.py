"""The health of a deployment: table, queues, and the last runs of scheduled functions, each with its beginning.

A check reads six rows and counts the messages of each queue. A process repeats it at most every five seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from chalicelib.domain.core.errors import LostRace, OutOfReach, Unavailable
from chalicelib.domain.core.periods import moment_name
from chalicelib.domain.core.queues import BOARDS, BOARDS_DEAD_LETTER, DEAD_LETTER, OWN, REJECTED
from chalicelib.domain.identity.permissions import ADMIN
from chalicelib.retry import CALL_MS
from chalicelib.services.context import Context
from chalicelib.services.identity.authenticate import Caller
from chalicelib.services.operations.finish_run import LATE_MS
from chalicelib.store.operations.health import Found, read_health_rows, write_queues
from chalicelib.store.operations.runs import Run

State = Literal["ok", "unknown", "degraded", "failing"]
OK: Final = "ok"
UNKNOWN: Final = "unknown"
DEGRADED: Final = "degraded"
FAILING: Final = "failing"
QUEUES = ("events", OWN, "backfill", BOARDS, REJECTED, DEAD_LETTER, BOARDS_DEAD_LETTER)
# A message in one of these waits for an operator.
DEAD = (DEAD_LETTER, BOARDS_DEAD_LETTER)
# A call takes four seconds at most, and none begins when fewer are left: so this bounds the whole check.
BUDGET_MS = 6_000
KEPT_MS = 5_000


class HealthCheck(msgspec.Struct, rename="camel"):
    """The result of one check.

    `since`: for a function, since when its runs finish on time with this result, or are late; for `table`, since when
    `sweep` writes to it without a gap, or this process gets no response; for `queues`, since when checks find this
    status. `detail`: only for admins.
    """

    name: str
    status: State
    since: Annotated[str | None, Meta(description="UTC; null if it is not known.")]
    detail: str | UnsetType = UNSET


class Health(msgspec.Struct, rename="camel"):
    """The status of the deployment: the worst of its checks. `unknown` counts as ok."""

    status: State
    checks: list[HealthCheck]


def read_health(context: Context, caller: Caller | None = None) -> Health:
    """Return the health, at most five seconds old. Raises Unavailable if the table or a queue does not respond."""
    now_ms = context.now_ms()
    at_ms, known = context.health.get("answer", (0, None))
    health: Health = known if known and now_ms - at_ms <= KEPT_MS else _checked(context)
    if health is not known:
        context.health["answer"] = (context.now_ms(), health)
    if not (caller and ADMIN in caller.permissions):
        health = Health(health.status, [HealthCheck(each.name, each.status, each.since) for each in health.checks])
    if health.status == FAILING:
        broken = ", ".join(f"'{each.name}'" for each in health.checks if each.status == FAILING)
        checks = msgspec.to_builtins(health.checks)
        raise Unavailable(f"Some parts do not respond: {broken}.", status=health.status, checks=checks)
    return health


def _checked(context: Context) -> Health:
    """Read the rows and count the queues in parallel."""
    working = context.within(BUDGET_MS)
    reads: list[Callable[[], Any]] = [lambda: read_health_rows(working.table, list(LATE_MS))]
    reads += [partial(working.queues.backlog, queue) for queue in QUEUES]
    rows, *counts = context.each(lambda read: _result(working, read), reads)
    reachable = isinstance(rows, tuple)
    runs, last = rows if reachable else ({}, None)
    now_ms = context.now_ms()
    checks = [_table(context, rows, runs, now_ms), _queues(working, counts, last, reachable)]
    if reachable:
        checks += [_run(function, runs.get(function), now_ms) for function in LATE_MS]
    found = {each.status for each in checks}
    worst: State = FAILING if FAILING in found else DEGRADED if DEGRADED in found else OK
    return Health(worst, checks)


def _result(working: Context, read: Callable[[], Any]) -> Any:
    """Return what `read` returns, or its error; None if there was no time to begin it."""
    if not working.has_time(CALL_MS):
        return None
    try:
        return read()
    except OutOfReach as error:
        return error


def _table(context: Context, rows: Any, runs: dict[str, Run], now_ms: int) -> HealthCheck:
    if rows is None:
        return HealthCheck("table", UNKNOWN, None, "no time was left for this check")
    if isinstance(rows, Exception):
        # The table cannot hold since when it fails.
        since_ms = context.health.setdefault("table", now_ms)
        return HealthCheck("table", FAILING, moment_name(since_ms), str(rows))
    context.health.pop("table", None)
    sweep = runs.get("sweep")
    written = sweep is not None and now_ms - sweep.done_ms <= LATE_MS["sweep"]
    since = moment_name(sweep.since_ms) if sweep and written else None
    return HealthCheck("table", OK, since, f"{len(runs)} runs read")


def _queues(working: Context, counts: list[Any], last: Found | None, reachable: bool) -> HealthCheck:
    """Judge the queues, and note the status if it is another one than the last."""
    named = dict(zip(QUEUES, counts, strict=True))
    silent = [name for name, count in named.items() if isinstance(count, Exception)]
    status: State = FAILING if silent else DEGRADED if any(named[name] for name in DEAD) else OK
    detail = ", ".join(f"{name} {'?' if not isinstance(count, int) else count}" for name, count in named.items())
    if not silent and None in counts:
        return HealthCheck("queues", UNKNOWN, None, detail)
    if not reachable:
        return HealthCheck("queues", status, None, detail)
    if last is None or last.status != status:
        found = Found(status, working.now_ms())
        try:
            write_queues(working.table, last, found)
        except (OutOfReach, LostRace):
            # The next check notes it.
            return HealthCheck("queues", status, None, detail)
        last = found
    return HealthCheck("queues", status, moment_name(last.since_ms), detail)


def _run(function: str, run: Run | None, now_ms: int) -> HealthCheck:
    if run is None:
        return HealthCheck(function, UNKNOWN, None, "no run has finished yet")
    done = f"the last run finished at {moment_name(run.done_ms)}"
    late_ms = run.done_ms + LATE_MS[function]
    if now_ms > late_ms:
        return HealthCheck(function, DEGRADED, moment_name(late_ms), f"late: {done}")
    if run.found:
        return HealthCheck(function, DEGRADED, moment_name(run.since_ms), f"{run.found} differences: {done}")
    return HealthCheck(function, OK, moment_name(run.since_ms), done)
