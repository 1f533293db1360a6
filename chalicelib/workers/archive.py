"""Scheduled worker: archive old failed messages from their queues into the table."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from chalice.app import Blueprint, Rate

from chalicelib.observability import count, logger, observed
from chalicelib.services.operations.archive_failures import archive_failures
from chalicelib.workers.finish import finish
from chalicelib.workers.invocation import within_invocation
from chalicelib.workers.one_at_a_time import one_at_a_time

worker = Blueprint(__name__)


@worker.schedule(Rate(6, unit=Rate.HOURS))
@observed
@one_at_a_time
def archive(event: Any) -> dict[str, Any]:
    """Archive failed messages older than 10 days, of all queues; return their number by queue."""
    laurel = within_invocation(event.context)
    result = archive_failures(laurel)
    age_ms = 0 if result.oldest_ms is None else laurel.now_ms() - result.oldest_ms
    count("FailuresArchived", sum(result.moved.values()))
    count("FailuresNotArchived", len(result.failed))
    count("FailureAge", age_ms // 1000, MetricUnit.Seconds)
    for message_id, reason in result.failed.items():
        logger.error("not archived", extra={"message_id": message_id, "error": reason})
    if result.complete and not result.failed:
        finish(laurel, "archive")
    logger.info("archive", extra={"moved": result.moved, "failed": len(result.failed)})
    return {"moved": result.moved, "failed": len(result.failed)}
