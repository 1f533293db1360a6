"""Worker on a schedule: what commits owe the world, and nobody sent, is sent."""

from __future__ import annotations

from typing import Any

from chalice import Blueprint, Rate

from chalicelib.observability import count, logger, observed
from chalicelib.services.core.outbox import sweep_owed
from chalicelib.workers.invocation import within_invocation

worker = Blueprint(__name__)


class NotSwept(Exception):
    """Something was not sent; what the log names will be tried again by the next run."""


@worker.schedule(Rate(1, unit=Rate.MINUTES))
@observed
def sweep(event: Any) -> dict[str, Any]:
    """Send the outbox; answers how many rows were sent."""
    swept = sweep_owed(within_invocation(event.context))
    count("OutboxSwept", swept.sent)
    for id_, error in swept.failed.items():
        logger.error("not sent", extra={"id": id_, "error": error})
    logger.info("sweep", extra={"sent": swept.sent, "failed": len(swept.failed)})
    if swept.failed:
        raise NotSwept(", ".join(swept.failed))
    return {"sent": swept.sent}
