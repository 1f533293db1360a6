"""Scheduled worker: archive old failed messages from their queues into the table."""

from __future__ import annotations

from typing import Any

from chalice.app import Blueprint, Rate

from chalicelib.observability import count, logger, observed
from chalicelib.services.operations.archive_failures import archive_failures
from chalicelib.workers.invocation import within_invocation

worker = Blueprint(__name__)


@worker.schedule(Rate(6, unit=Rate.HOURS))
@observed
def archive(event: Any) -> dict[str, Any]:
    """Archive failed messages older than 10 days, of all queues; return their number by queue."""
    result = archive_failures(within_invocation(event.context))
    count("FailuresArchived", sum(result.moved.values()))
    count("FailuresNotArchived", len(result.failed))
    for message_id, reason in result.failed.items():
        logger.error("not archived", extra={"message_id": message_id, "error": reason})
    logger.info("archive", extra={"moved": result.moved, "failed": len(result.failed)})
    return {"moved": result.moved, "failed": len(result.failed)}
