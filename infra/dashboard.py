"""The dashboard of a deployment."""

from __future__ import annotations

import json
from typing import Any

from chalicelib.services.operations.finish_run import LATE_MS
from chalicelib.workers.finish import heartbeat
from infra.alarms.alarm import PERIOD_S
from infra.alarms.aws import OPERATIONS
from infra.alarms.own import NAMESPACE
from infra.policies import function_name
from infra.settings import FUNCTIONS, ORDER_INDEX, QUEUES, Build

Json = dict[str, Any]

OUTCOMES = ("EventsApplied", "EventsDuplicate", "EventsRejected", "EventsUnknown", "EventsMismatched")


def dashboard(build: Build) -> Json:
    body = json.dumps({"widgets": _widgets(build)}, separators=(",", ":"))
    return {
        "Type": "AWS::CloudWatch::Dashboard",
        "Properties": {"DashboardName": build.prefix, "DashboardBody": {"Fn::Sub": body}},
    }


def _widgets(build: Build) -> list[Json]:
    names = [function_name(build, function) for function in FUNCTIONS]
    queues = [f"{build.prefix}-{queue.name}" for queue in QUEUES]
    sources = [f"{build.prefix}-{queue.name}" for queue in QUEUES if queue.max_age_s is not None]
    plan: list[tuple[str, list[Any]]] = [
        ("Events", [_own(name, "Sum") for name in OUTCOMES]),
        ("XP paid", [_own("XpPaid", "Sum")]),
        ("Batch time and queue lag p95 (ms)", [_own("BatchTime", "p95"), _own("QueueLag", "p95")]),
        ("Board entries written, score updates rejected", [
            _own("EntriesWritten", "Sum"), _own("BoardUpdatesRejected", "Sum"),
        ]),
        ("Differences found on boards and in the ledger", [
            _own("BoardDifferences", "Maximum"), _own("LedgerDifferences", "Maximum"),
        ]),
        ("Finished runs of scheduled functions", [_own(heartbeat(name), "Sum") for name in LATE_MS]),
        ("Age of the oldest outbox row, of the oldest failed message (s)", [
            _own("OutboxAge", "Maximum"), _own("FailureAge", "Maximum"),
        ]),
        ("Failed messages archived", [_own("FailuresArchived", "Sum"), _own("FailuresNotArchived", "Sum")]),
        ("Minutes that a freeze has been held", [_own("FreezeHeldMinutes", "Maximum")]),
        ("Write conflicts, failed messages", [_own("WriteConflicts", "Sum"), _own("MessagesFailed", "Sum")]),
        ("Age of the oldest message (s)", _queues("ApproximateAgeOfOldestMessage", sources)),
        ("Messages waiting", _queues("ApproximateNumberOfMessagesVisible", queues)),
        ("Function duration p95 (ms)", _lambdas("Duration", names, "p95")),
        ("Function errors", _lambdas("Errors", names, "Sum")),
        ("Function throttles", _lambdas("Throttles", names, "Sum")),
        ("Functions running at once", _lambdas("ConcurrentExecutions", names, "Maximum")),
        ("Table units", [
            *_series("AWS/DynamoDB", "ConsumedWriteCapacityUnits", "TableName", [build.table_name], "Sum"),
            *_series("AWS/DynamoDB", "ConsumedReadCapacityUnits", "TableName", [build.table_name], "Sum"),
        ]),
        ("Table: throttled reads and writes, errors", _table_trouble(build)),
        ("API responses", [
            *_api(build, "Count", "Sum"), *_api(build, "4XXError", "Sum"), *_api(build, "5XXError", "Sum"),
            _own("ServiceUnavailable", "Sum"),
        ]),
        ("API latency (ms)", [*_api(build, "Latency", "p50"), *_api(build, "Latency", "p95")]),
    ]  # fmt: skip
    return [_widget(place, title, metrics) for place, (title, metrics) in enumerate(plan)]


def _api(build: Build, metric: str, statistic: str) -> list[Any]:
    return _series("AWS/ApiGateway", metric, "ApiName", [build.prefix], statistic)


def _table_trouble(build: Build) -> list[Any]:
    total = {"stat": "Sum"}
    table = ["TableName", build.table_name]
    index = [*table, "GlobalSecondaryIndexName", ORDER_INDEX]
    throttles = [
        ["AWS/DynamoDB", f"{kind}ThrottleEvents", *dimensions, total]
        for dimensions in (table, index)
        for kind in ("Read", "Write")
    ]
    errors = [["AWS/DynamoDB", "SystemErrors", *table, "Operation", operation, total] for operation in OPERATIONS]
    return [*throttles, *errors]


def _series(namespace: str, metric: str, dimension: str, values: list[str], statistic: str) -> list[Any]:
    return [[namespace, metric, dimension, value, {"stat": statistic}] for value in values]


def _queues(metric: str, names: list[str]) -> list[Any]:
    return _series("AWS/SQS", metric, "QueueName", names, "Maximum")


def _lambdas(metric: str, names: list[str], statistic: str) -> list[Any]:
    return _series("AWS/Lambda", metric, "FunctionName", names, statistic)


def _own(metric: str, statistic: str) -> list[Any]:
    """Return a metric that Laurel writes itself. The search finds it for any value of its dimension."""
    found = f"SEARCH('{{{NAMESPACE},service}} MetricName=\"{metric}\"', '{statistic}', {PERIOD_S})"
    return [{"expression": found, "label": metric}]


def _widget(place: int, title: str, metrics: list[Any]) -> Json:
    return {
        "type": "metric",
        "x": 12 * (place % 2),
        "y": 6 * (place // 2),
        "width": 12,
        "height": 6,
        "properties": {"title": title, "region": "${AWS::Region}", "period": PERIOD_S, "metrics": metrics},
    }
