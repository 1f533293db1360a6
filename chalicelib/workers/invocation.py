"""The context of one Lambda invocation: the process's context, with the end of the invocation as its deadline."""

from __future__ import annotations

from typing import Any

from chalicelib import wiring
from chalicelib.services.context import Context

# Reserved for the response, the log line and the metrics.
ANSWER_MS = 1_000


def within_invocation(lambda_context: Any) -> Context:
    """Return the process's context, with the end of this invocation as its deadline."""
    return wiring.context().within(lambda_context.get_remaining_time_in_millis() - ANSWER_MS)
