"""Provisional."""

import logging
from typing import Any

from chalice import Blueprint, Rate

worker = Blueprint(__name__)
log = logging.getLogger("laurel")


@worker.schedule(Rate(6, unit=Rate.HOURS))
def archive(event: Any) -> dict[str, Any]:
    log.warning("archive %s", event.to_dict())
    return {}
