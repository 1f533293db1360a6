"""Scheduled worker: send outbox messages that were not sent after their commit."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from chalice.app import Blueprint, Rate

from chalicelib.observability import count, logger, observed
from chalicelib.services.core.outbox import sweep_outbox
from chalicelib.workers.finish import finish
from chalicelib.workers.invocation import within_invocation
from chalicelib.workers.one_at_a_time import one_at_a_time

worker = Blueprint(__name__)


class NotSwept(Exception):
    """Some outbox messages were not sent. The log names them, and the next run retries."""


@worker.schedule(Rate(1, unit=Rate.MINUTES))
@observed
@one_at_a_time
def sweep(event: Any) -> dict[str, Any]:
    """Send the outbox; return the number of records sent."""
    laurel = within_invocation(event.context)
    swept = sweep_outbox(laurel)
    age_ms = 0 if swept.oldest_ms is None else laurel.now_ms() - swept.oldest_ms
    count("OutboxSwept", swept.sent)
    count("OutboxAge", age_ms // 1000, MetricUnit.Seconds)
    for id_, error in swept.failed.items():
        logger.error("not sent", extra={"id": id_, "error": error})
    logger.info("sweep", extra={"sent": swept.sent, "failed": len(swept.failed)})
    if swept.failed:
        raise NotSwept(", ".join(swept.failed))
    if swept.complete:
        finish(laurel, "sweep")
    return {"sent": swept.sent}
