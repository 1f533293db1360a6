"""Provisional."""

import logging
from typing import Any

from chalice import Blueprint

worker = Blueprint(__name__)
log = logging.getLogger("laurel")
logging.basicConfig(level=logging.INFO)


@worker.on_sqs_message(queue="events", batch_size=100)
def progress(event: Any) -> dict[str, Any]:
    log.warning("progress %s", event.to_dict())
    return {"batchItemFailures": []}


@worker.on_sqs_message(queue="own", batch_size=100)
def progress_own(event: Any) -> dict[str, Any]:
    log.warning("progress_own %s", event.to_dict())
    return {"batchItemFailures": []}


@worker.on_sqs_message(queue="backfill", batch_size=100)
def progress_backfill(event: Any) -> dict[str, Any]:
    log.warning("progress_backfill %s", event.to_dict())
    return {"batchItemFailures": []}
