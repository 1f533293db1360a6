"""Skip runs of a scheduled function while another one is under way: events may come twice, and a run may take long."""

from __future__ import annotations

from functools import wraps
from typing import Any

from chalicelib import wiring
from chalicelib.observability import Handler, count, logger
from chalicelib.services.operations.take_turns import turn


def one_at_a_time(handler: Handler) -> Handler:
    """Wrap the handler of a scheduled function, which has the function's name."""

    @wraps(handler)
    def run(event: Any) -> Any:
        laurel, left_ms = wiring.context(), event.context.get_remaining_time_in_millis()
        with turn(laurel, handler.__name__, laurel.now_ms() + left_ms) as mine:
            if mine:
                return handler(event)
        count("RunsSkipped")
        logger.info("skipped: another run is under way")
        return {"skipped": True}

    return run
