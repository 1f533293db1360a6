"""Scheduled worker: close the boards of periods that have ended."""

from __future__ import annotations

from typing import Any

from chalice.app import Blueprint, Rate

from chalicelib.observability import count, logger, observed
from chalicelib.services.boards.rotate_boards import rotate_boards
from chalicelib.workers.finish import finish
from chalicelib.workers.invocation import within_invocation
from chalicelib.workers.one_at_a_time import one_at_a_time

worker = Blueprint(__name__)


class RotationFailed(Exception):
    """Some boards were not closed. The log names them, and the next run retries."""


@worker.schedule(Rate(5, unit=Rate.MINUTES))
@observed
@one_at_a_time
def rotate(event: Any) -> dict[str, Any]:
    """Freeze, archive and publish boards; return the step of each board checked."""
    laurel = within_invocation(event.context)
    rotation = rotate_boards(laurel)
    count("PeriodsRotated", rotation.rotated)
    count("BoardWritersReminded", len(rotation.reminded))
    count("FreezeHeldMinutes", rotation.held_minutes)
    for scope, error in rotation.failed.items():
        logger.error("not rotated", extra={"scope": scope, "error": repr(error)})
    for name in rotation.overdue:
        logger.error("rotation overdue", extra={"board": name})
    steps = rotation.texts
    logger.info("rotate", extra={"steps": steps, "reminded": rotation.reminded, "failed": list(rotation.failed)})
    if rotation.failed or rotation.overdue:
        raise RotationFailed(", ".join([*rotation.failed, *rotation.overdue]))
    if rotation.complete:
        finish(laurel, "rotate")
    return {"steps": steps, "reminded": rotation.reminded}
