"""Logs, metrics, traces of a handler. A blueprint's handler is a Lambda of its own, without the app's middleware."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import wraps
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

NAMESPACE = "Laurel"
# Two stages in one account keep their figures apart.
SERVICE = f"laurel-{os.environ.get('LAUREL_STAGE', 'local')}"
logger = Logger(service=SERVICE, level=os.environ.get("LAUREL_LOG_LEVEL", "INFO"))
metrics = Metrics(namespace=NAMESPACE, service=SERVICE)

Handler = Callable[[Any], Any]


def observed(handler: Handler) -> Handler:
    """Structured logs with the request id, metrics flushed as EMF, traces if switched on (LAUREL_TRACING=1).

    `handler` takes Chalice's event object, which carries the Lambda context.
    """

    def entry(event: Any, _: Any) -> Any:
        return handler(event)

    flushed = metrics.log_metrics(entry)
    if os.environ.get("LAUREL_TRACING") == "1":
        # 32-92 ms of import that only a traced deployment pays.
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


def count(name: str, value: float = 1, unit: MetricUnit = MetricUnit.Count) -> None:
    """Add to a metric of this invocation."""
    metrics.add_metric(name, unit, value)
