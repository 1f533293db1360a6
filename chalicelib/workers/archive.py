"""Worker on a schedule: what waits too long in a queue of failures moves into the table."""

from __future__ import annotations

from typing import Any

from chalice import Blueprint, Rate

from chalicelib.observability import count, logger, observed
from chalicelib.services.archive_failures import archive_failures
from chalicelib.wiring import context as wired

worker = Blueprint(__name__)
# Time an invocation keeps for releasing what it holds: 10,000 messages, ten a call.
RESERVE_MS = 30_000


@worker.schedule(Rate(6, unit=Rate.HOURS))
@observed
def archive(event: Any) -> dict[str, Any]:
    """Archive rejected messages and dead letters older than 10 days; answers how many, by queue."""
    lambda_context = event.context
    result = archive_failures(wired(), lambda: lambda_context.get_remaining_time_in_millis() > RESERVE_MS)
    count("FailuresArchived", sum(result.moved.values()))
    count("FailuresNotArchived", len(result.failed))
    for message_id, reason in result.failed.items():
        logger.error("not archived", extra={"message_id": message_id, "error": reason})
    logger.info("archive", extra={"moved": result.moved, "failed": len(result.failed)})
    return {"moved": result.moved, "failed": len(result.failed)}
