"""Alarms of metrics that AWS writes: of queues, functions, the API and the table."""

from __future__ import annotations

from infra import tables
from infra.alarms.alarm import Alarm, Json, Metric
from infra.policies import function_name
from infra.settings import FUNCTIONS, ORDER_INDEX, QUEUES, Build, Function, Queue

# Percent of the requests of five minutes, and the errors from which a share says something.
MAX_ERROR_SHARE, MIN_ERRORS = 1, 5
# Counted with a cold start in twenty requests, a read takes 150 ms and a write 300 ms.
MAX_LATENCY_MS = 1_000
# The operations on the table that Laurel uses; DynamoDB writes some metrics for each of them apart.
OPERATIONS = (
    *("GetItem", "BatchGetItem", "Query", "Scan"),
    *("PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"),
)
QUIET_QUEUE = "SQS stops writing metrics of a queue that is unused for six hours"
QUIET_FUNCTION = "Lambda writes it only when the function is called"
QUIET_API = "API Gateway writes it only when there are requests"
QUIET_TABLE = "DynamoDB writes it only when it happens"


def alarms(build: Build) -> list[Alarm]:
    found: list[Alarm] = []
    for queue in QUEUES:
        found += _queue_alarms(queue)
    for function in FUNCTIONS:
        found += _function_alarms(build, function)
    return [*found, *_api_alarms(build), *_table_alarms(build)]


def _queue_alarms(queue: Queue) -> list[Alarm]:
    found = []
    dimensions = {"QueueName": {"Fn::GetAtt": [queue.logical_id, "QueueName"]}}
    name = queue.name.replace(".", "-")
    if queue.max_age_s is not None:
        text = f"The oldest message of {queue.name} is over {queue.max_age_s} s old: the worker does not keep up."
        metric = Metric("AWS/SQS", "ApproximateAgeOfOldestMessage", "Maximum", dimensions)
        section = "events-age, own-age" if queue.key in ("events", "own") else f"{name}-age"
        found.append(
            Alarm(
                f"{queue.logical_id}AgeAlarm",
                f"{name}-age",
                section,
                text,
                metric,
                queue.max_age_s,
                "notBreaching",
                QUIET_QUEUE,
            )
        )
    if queue.max_depth is not None:
        text = f"More than {queue.max_depth} messages wait in {queue.name}; see: laurel dlq list."
        metric = Metric("AWS/SQS", "ApproximateNumberOfMessagesVisible", "Maximum", dimensions)
        section = f"{name}-depth"
        found.append(
            Alarm(
                f"{queue.logical_id}DepthAlarm",
                section,
                section,
                text,
                metric,
                queue.max_depth,
                "notBreaching",
                QUIET_QUEUE,
            )
        )
    return found


def _function_alarms(build: Build, function: Function) -> list[Alarm]:
    dimensions = {"FunctionName": {"Ref": function.logical_id}}
    return [
        Alarm(
            f"{function.logical_id}{metric}Alarm",
            f"{function.suffix}-{metric.lower()}",
            metric,
            f"{function_name(build, function)} {text}.",
            Metric("AWS/Lambda", metric, "Sum", dimensions),
            0,
            "notBreaching",
            QUIET_FUNCTION,
        )
        for metric, text in (("Errors", "failed"), ("Throttles", "was throttled"))
    ]


def _api_alarms(build: Build) -> list[Alarm]:
    dimensions = {"ApiName": build.prefix}
    return [
        Alarm(
            "ApiErrorShareAlarm",
            "api-5xx",
            "api-5xx",
            f"Over {MAX_ERROR_SHARE} % of the requests of five minutes, and at least {MIN_ERRORS}, ended with 5xx.",
            {
                "errors": Metric("AWS/ApiGateway", "5XXError", "Sum", dimensions),
                "requests": Metric("AWS/ApiGateway", "Count", "Sum", dimensions),
            },
            MAX_ERROR_SHARE,
            "notBreaching",
            QUIET_API,
            expression=f"IF(errors >= {MIN_ERRORS}, 100 * errors / requests, 0)",
        ),
        Alarm(
            "ApiLatencyAlarm",
            "api-latency",
            "api-latency",
            f"For 15 minutes one of 20 requests has taken over {MAX_LATENCY_MS:,} ms.",
            Metric("AWS/ApiGateway", "Latency", "p95", dimensions),
            MAX_LATENCY_MS,
            "notBreaching",
            QUIET_API,
            periods=3,
        ),
    ]


def _table_alarms(build: Build) -> list[Alarm]:
    table: Json = {"TableName": tables.name(build)}
    # The metrics of the table do not count those of its index.
    index = table | {"GlobalSecondaryIndexName": ORDER_INDEX}
    throttles = {
        f"{kind}_{place}": Metric("AWS/DynamoDB", f"{kind.capitalize()}ThrottleEvents", "Sum", dimensions)
        for place, dimensions in (("table", table), ("index", index))
        for kind in ("read", "write")
    }
    errors = {
        f"e{place}": Metric("AWS/DynamoDB", "SystemErrors", "Sum", table | {"Operation": operation})
        for place, operation in enumerate(OPERATIONS)
    }
    return [
        Alarm(
            "TableThrottlesAlarm",
            "table-throttles",
            "table-throttles",
            "DynamoDB throttled reads or writes of the table or of its index.",
            throttles,
            0,
            "notBreaching",
            QUIET_TABLE,
            expression=_sum(throttles),
        ),
        Alarm(
            "TableSystemErrorsAlarm",
            "table-system-errors",
            "table-system-errors",
            "DynamoDB answered requests with 500.",
            errors,
            0,
            "notBreaching",
            QUIET_TABLE,
            expression=_sum(errors),
        ),
    ]


def _sum(metrics: dict[str, Metric]) -> str:
    """Return the sum of metrics, of which mostly some have no data."""
    return " + ".join(f"FILL({id_}, 0)" for id_ in metrics)
