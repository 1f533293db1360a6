"""Alarms and the dashboard."""

from __future__ import annotations

import json
from typing import Any

from infra.policies import function_name
from infra.settings import FUNCTIONS, QUEUES, Build, Function, Queue

Json = dict[str, Any]

PERIOD_S = 300  # of queue metrics: SQS publishes them every minute, and an alarm a minute late costs nothing
HOUR_S = 3600
HELD_MINUTES = 30  # most freezes are held for ten: two runs of rotate
NAMESPACE = "Laurel"
HAS_TOPIC = "HasAlarmTopic"
OUTCOMES = ("EventsApplied", "EventsDuplicate", "EventsRejected", "EventsUnknown", "EventsMismatched")


def parameters() -> Json:
    text = "An SNS topic that receives alarms; empty: they only show in CloudWatch."
    return {"AlarmTopicArn": {"Type": "String", "Default": "", "Description": text}}


def conditions() -> Json:
    return {HAS_TOPIC: {"Fn::Not": [{"Fn::Equals": [{"Ref": "AlarmTopicArn"}, ""]}]}}


def alarms(build: Build) -> Json:
    found: Json = {}
    for queue in QUEUES:
        found |= _queue_alarms(build, queue)
    for function in FUNCTIONS:
        found |= _function_alarms(build, function)
    return found | _own_alarms(build)


def _queue_alarms(build: Build, queue: Queue) -> Json:
    found: Json = {}
    dimension = {"QueueName": {"Fn::GetAtt": [queue.logical_id, "QueueName"]}}
    if queue.max_age_s is not None:
        text = f"The oldest message of {queue.name} is over {queue.max_age_s} s old: the worker does not keep up."
        metric = ("AWS/SQS", "ApproximateAgeOfOldestMessage", "Maximum")
        found[f"{queue.logical_id}AgeAlarm"] = _alarm(
            build, f"{queue.name}-age", text, metric, dimension, queue.max_age_s
        )
    if queue.max_depth is not None:
        text = f"More than {queue.max_depth} messages wait in {queue.name}; see: laurel dlq list."
        metric = ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "Maximum")
        found[f"{queue.logical_id}DepthAlarm"] = _alarm(
            build, f"{queue.name}-depth", text, metric, dimension, queue.max_depth
        )
    return found


def _function_alarms(build: Build, function: Function) -> Json:
    dimension = {"FunctionName": {"Ref": function.logical_id}}
    found: Json = {}
    for metric, text in (("Errors", "failed"), ("Throttles", "was throttled")):
        found[f"{function.logical_id}{metric}Alarm"] = _alarm(
            build,
            f"{function.suffix}-{metric.lower()}",
            f"{function_name(build, function)} {text}.",
            ("AWS/Lambda", metric, "Sum"),
            dimension,
            0,
        )
    return found


def _own_alarms(build: Build) -> Json:
    """Return the alarms of metrics that Laurel writes itself, with the stage's name as dimension."""
    dimension = {"service": build.prefix}
    differences = "Boards differ from their players' totals or their rank index; see: laurel board verify."
    held = (
        f"A board has waited {HELD_MINUTES} minutes for its freeze: some of its events are not applied yet; see: "
        "laurel board rotate."
    )
    not_archived = "Failed messages could not be archived in the table before their queue deletes them."
    rejected = "The writer of boards rejected a score update; see: laurel dlq list."
    return {
        # Samples are taken once an hour; the alarm lasts until the next sample.
        "BoardDifferencesAlarm": _alarm(
            build, "board-differences", differences, (NAMESPACE, "BoardDifferences", "Maximum"), dimension, 0, HOUR_S
        ),
        "BoardUpdatesRejectedAlarm": _alarm(
            build, "board-updates-rejected", rejected, (NAMESPACE, "BoardUpdatesRejected", "Sum"), dimension, 0
        ),
        # Written every five minutes, in whole minutes.
        "FreezeHeldAlarm": _alarm(
            build,
            "freeze-held",
            held,
            (NAMESPACE, "FreezeHeldMinutes", "Maximum"),
            dimension,
            HELD_MINUTES - 1,
            2 * PERIOD_S,
        ),
        "FailuresNotArchivedAlarm": _alarm(
            build, "failures-not-archived", not_archived, (NAMESPACE, "FailuresNotArchived", "Sum"), dimension, 0
        ),
    }


def _alarm(
    build: Build,
    name: str,
    text: str,
    metric: tuple[str, str, str],
    dimensions: Json,
    threshold: int,
    period_s: int = PERIOD_S,
) -> Json:
    namespace, metric_name, statistic = metric
    actions = {"Fn::If": [HAS_TOPIC, [{"Ref": "AlarmTopicArn"}], {"Ref": "AWS::NoValue"}]}
    return {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "AlarmName": f"{build.prefix}-{name.replace('.', '-')}",
            "AlarmDescription": text,
            "Namespace": namespace,
            "MetricName": metric_name,
            "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
            "Statistic": statistic,
            "Period": period_s,
            "EvaluationPeriods": 1,
            "Threshold": threshold,
            "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": "notBreaching",
            "AlarmActions": actions,
            "OKActions": actions,
        },
    }


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
        ("Differences found on boards", [_own("BoardDifferences", "Maximum")]),
        ("Minutes that a freeze has been held", [_own("FreezeHeldMinutes", "Maximum")]),
        ("Write conflicts, failed messages", [_own("WriteConflicts", "Sum"), _own("MessagesFailed", "Sum")]),
        ("Age of the oldest message (s)", _queues("ApproximateAgeOfOldestMessage", sources)),
        ("Messages waiting", _queues("ApproximateNumberOfMessagesVisible", queues)),
        ("Function duration p95 (ms)", _lambdas("Duration", names, "p95")),
        ("Function errors", _lambdas("Errors", names, "Sum")),
        ("Function throttles", _lambdas("Throttles", names, "Sum")),
        ("Functions running at once", _lambdas("ConcurrentExecutions", names, "Maximum")),
        ("Table units", [
            *_series("AWS/DynamoDB", "ConsumedWriteCapacityUnits", "TableName", [build.prefix], "Sum"),
            *_series("AWS/DynamoDB", "ConsumedReadCapacityUnits", "TableName", [build.prefix], "Sum"),
        ]),
        ("API responses", [
            ["AWS/ApiGateway", metric, "ApiName", build.prefix, {"stat": "Sum"}]
            for metric in ("Count", "4XXError", "5XXError")
        ]),
    ]  # fmt: skip
    return [_widget(place, title, metrics) for place, (title, metrics) in enumerate(plan)]


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
