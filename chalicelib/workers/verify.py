"""Scheduled worker: verify boards, completely or by samples."""

from __future__ import annotations

from time import sleep
from typing import Any

from chalice.app import Blueprint, Rate

from chalicelib.observability import count, logger, observed
from chalicelib.services.boards.sample_boards import sample_boards
from chalicelib.workers.finish import finish
from chalicelib.workers.invocation import within_invocation
from chalicelib.workers.one_at_a_time import one_at_a_time

worker = Blueprint(__name__)
# Wait before differences are read again: most updates in flight have arrived by then.
PAUSE_S = 10


@worker.schedule(Rate(1, unit=Rate.HOURS))
@observed
@one_at_a_time
def verify(event: Any) -> dict[str, Any]:
    """Verify boards in random order while there is time; return the numbers of boards and differences.

    A board that takes too long is reported as not verified, and does not count as a difference.
    """
    laurel = within_invocation(event.context)
    boards = differences = unproven = 0
    for result in sample_boards(laurel, lambda: sleep(PAUSE_S)):
        boards += 1
        differences += len(result.differences)
        for difference in result.differences:
            logger.error("board differs", extra={"board": result.board, "difference": str(difference)})
        if not result.proven:
            unproven += 1
            logger.warning("not verified in time", extra={"board": result.board, "entries": result.entries})
        if result.in_flight:
            logger.info("in flight", extra={"board": result.board, "in_flight": result.in_flight})
    count("BoardDifferences", differences)
    if boards > unproven:
        finish(laurel, "verify", differences)
    logger.info("verify", extra={"boards": boards, "differences": differences, "unproven": unproven})
    return {"boards": boards, "differences": differences}
