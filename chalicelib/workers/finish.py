"""Report that a scheduled function has done its work: a row in the table, and a metric whose absence is an alarm."""

from __future__ import annotations

from chalicelib.observability import count
from chalicelib.services.context import Context
from chalicelib.services.operations.finish_run import finish_run


def finish(laurel: Context, function: str, found: int = 0) -> None:
    """Report a finished run. `found`: the number of differences that it found."""
    finish_run(laurel, function, found)
    count(heartbeat(function))


def heartbeat(function: str) -> str:
    """Return the name of the metric that counts the finished runs of a function."""
    return "".join(part.capitalize() for part in function.split("_")) + "Finished"
