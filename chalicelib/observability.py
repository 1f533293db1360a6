"""Logs, metrics and traces of a handler. A blueprint's handler is its own Lambda, without the app's middleware."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import wraps
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit, single_metric

NAMESPACE = "Laurel"
# The stage in the service's name keeps metrics of two stages in one account apart.
SERVICE = f"laurel-{os.environ.get('LAUREL_STAGE', 'local')}"
logger = Logger(service=SERVICE, level=os.environ.get("LAUREL_LOG_LEVEL", "INFO"))
metrics = Metrics(namespace=NAMESPACE, service=SERVICE)

Handler = Callable[[Any], Any]


def observed(handler: Handler) -> Handler:
    """Wrap a handler with structured logs (request id), metrics (EMF) and, with LAUREL_TRACING=1, traces.

    `handler` takes Chalice's event object, which carries the Lambda context.
    """

    def entry(event: Any, _: Any) -> Any:
        return handler(event)

    flushed = metrics.log_metrics(entry)
    if os.environ.get("LAUREL_TRACING") == "1":
        # The import takes 32-92 ms: only a traced deployment pays for it.
        from aws_lambda_powertools import Tracer

        flushed = Tracer(service=SERVICE).capture_lambda_handler(flushed)

    @wraps(handler)
    def run(event: Any) -> Any:
        context = event.context
        logger.append_keys(
            request_id=getattr(context, "aws_request_id", ""), function=getattr(context, "function_name", "")
        )
        try:
            return flushed(event, context)
        finally:
            logger.remove_keys(["request_id", "function"])

    return run


def count_now(name: str) -> None:
    """Write 1 of a metric in a line of its own: for rare events of the API, which writes no metrics otherwise."""
    with single_metric(name, MetricUnit.Count, 1, namespace=NAMESPACE, default_dimensions={"service": SERVICE}):
        pass


def count(name: str, value: float = 1, unit: MetricUnit = MetricUnit.Count) -> None:
    """Add to a metric of this invocation."""
    metrics.add_metric(name, unit, value)
