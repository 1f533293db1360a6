"""Provisional."""

import logging
from typing import Any

from chalice import Blueprint

worker = Blueprint(__name__)
log = logging.getLogger("laurel")


@worker.on_sqs_message(queue="boards.fifo", batch_size=10)
def boards(event: Any) -> dict[str, Any]:
    log.warning("boards %s", event.to_dict())
    return {"batchItemFailures": []}
