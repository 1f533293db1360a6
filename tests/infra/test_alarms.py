"""Tests of the alarms: each watches a metric that AWS or Laurel writes, with the dimensions that it is written with."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from chalicelib import observability, wiring
from chalicelib.services.operations.finish_run import LATE_MS
from chalicelib.store.core import table as table_module
from chalicelib.store.core.table import Busy
from chalicelib.workers import boards
from chalicelib.workers.finish import heartbeat
from infra.alarms import aws, own
from infra.alarms.alarm import Alarm, Metric
from infra.alarms.catalogue import catalogue
from infra.settings import FUNCTION, FUNCTIONS, QUEUES, Build
from infra.template import merge_template
from tests.api.conftest import Site
from tests.docs.pages import page
from tests.services.operations.test_archive_worker import SCHEDULE
from tests.services.operations.test_finish_run import WORKERS
from tests.simulated.sources import LambdaContext
from tests.simulated.sqs import lambda_event

Json = dict[str, Any]
ALARMS = catalogue(Build(os.environ.get("LAUREL_STAGE", "local"), "local"))
OWN = [alarm for alarm in ALARMS if isinstance(alarm.metrics, Metric) and alarm.metrics.namespace == own.NAMESPACE]
by_name: Json = {"ids": lambda alarm: alarm.name}
# Metric -> its dimensions and the statistics that make sense, as the documentation of the service has them: "Available
# CloudWatch metrics for Amazon SQS", "Types of metrics for Lambda functions", "Amazon API Gateway dimensions and
# metrics", "DynamoDB metrics and dimensions".
AWS_METRICS: dict[tuple[str, str], tuple[list[set[str]], set[str]]] = {
    ("AWS/SQS", "ApproximateAgeOfOldestMessage"): ([{"QueueName"}], {"Average", "Minimum", "Maximum"}),
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible"): ([{"QueueName"}], {"Average", "Minimum", "Maximum"}),
    ("AWS/Lambda", "Errors"): ([{"FunctionName"}, {"FunctionName", "Resource"}], {"Sum"}),
    ("AWS/Lambda", "Throttles"): ([{"FunctionName"}, {"FunctionName", "Resource"}], {"Sum"}),
    ("AWS/ApiGateway", "5XXError"): ([{"ApiName"}, {"ApiName", "Stage"}], {"Sum", "Average"}),
    ("AWS/ApiGateway", "Count"): ([{"ApiName"}, {"ApiName", "Stage"}], {"Sum", "SampleCount"}),
    ("AWS/ApiGateway", "Latency"): ([{"ApiName"}, {"ApiName", "Stage"}], {"Average", "p50", "p95", "p99"}),
    ("AWS/DynamoDB", "ReadThrottleEvents"): ([{"TableName"}, {"TableName", "GlobalSecondaryIndexName"}], {"Sum"}),
    ("AWS/DynamoDB", "WriteThrottleEvents"): ([{"TableName"}, {"TableName", "GlobalSecondaryIndexName"}], {"Sum"}),
    ("AWS/DynamoDB", "SystemErrors"): ([{"TableName", "Operation"}], {"Sum"}),
}
LIMIT_S, LIMIT_OF_HOURS_S = 86_400, 7 * 86_400


def metrics_of(alarm: Alarm) -> dict[str, Metric]:
    return {"": alarm.metrics} if isinstance(alarm.metrics, Metric) else dict(alarm.metrics)


@pytest.mark.parametrize("alarm", [alarm for alarm in ALARMS if alarm not in OWN], **by_name)
def test_alarms_of_aws_watch_documented_metrics(alarm: Alarm) -> None:
    for metric in metrics_of(alarm).values():
        dimensions, statistics = AWS_METRICS[metric.namespace, metric.name]
        assert set(metric.dimensions) in dimensions
        assert metric.statistic in statistics


def test_dimensions_have_the_names_of_the_resources(resources: Json) -> None:
    api = resources["RestAPI"]["Properties"]["Name"]
    (index,) = resources["Table"]["Properties"]["GlobalSecondaryIndexes"]
    allowed = {
        "ApiName": [api],
        "TableName": [{"Ref": "Table"}],
        "GlobalSecondaryIndexName": [index["IndexName"]],
        "QueueName": [{"Fn::GetAtt": [queue.logical_id, "QueueName"]} for queue in QUEUES],
        "FunctionName": [{"Ref": function.logical_id} for function in FUNCTIONS],
        "service": [api],
        "Operation": list(aws.OPERATIONS),
    }
    for alarm in catalogue(Build("test", "aws")):
        for metric in metrics_of(alarm).values():
            for name, value in metric.dimensions.items():
                assert value in allowed[name]
    kinds = {"QueueName": "AWS::SQS::Queue", "FunctionName": "AWS::Serverless::Function"}
    for name, kind in kinds.items():
        for value in allowed[name]:
            assert resources[value["Ref"] if "Ref" in value else value["Fn::GetAtt"][0]]["Type"] == kind
    assert resources["RestAPI"]["Properties"]["MethodSettings"][0]["MetricsEnabled"]


def test_system_errors_of_every_operation_on_the_table_count() -> None:
    source = Path(table_module.__file__).read_text()
    called = set(re.findall(r"_call\(\s*\"(\w+)\"", source))
    assert {"".join(part.capitalize() for part in name.split("_")) for name in called} == set(aws.OPERATIONS)
    (alarm,) = [alarm for alarm in ALARMS if alarm.name == "table-system-errors"]
    assert [metric.dimensions["Operation"] for metric in metrics_of(alarm).values()] == list(aws.OPERATIONS)


@pytest.mark.parametrize("alarm", ALARMS, **by_name)
def test_limits_of_cloudwatch(alarm: Alarm) -> None:
    properties = alarm.resource(Build("test", "aws"))["Properties"]
    assert alarm.period_s % 60 == 0
    window_s = alarm.period_s * alarm.periods
    assert window_s <= (LIMIT_OF_HOURS_S if alarm.period_s >= 3600 else LIMIT_S)
    if alarm.expression:
        queries = {query["Id"]: query for query in properties["Metrics"]}
        stats = [query for query in queries.values() if "MetricStat" in query]
        assert len(stats) <= 10
        assert [query["Id"] for query in queries.values() if query["ReturnData"]] == ["value"]
        used = set(re.findall(r"\b[a-z]\w*\b", alarm.expression))
        assert used == {query["Id"] for query in stats}
        assert {"MetricName", "Period", "Statistic", "Dimensions"} & set(properties) == set()
        assert "SEARCH" not in alarm.expression
    else:
        assert ("Statistic" in properties) != ("ExtendedStatistic" in properties)


def test_alarms_watch_every_queue_and_function() -> None:
    watched = {(metric.name, str(metric.dimensions)) for alarm in ALARMS for metric in metrics_of(alarm).values()}
    for queue in QUEUES:
        metric = "ApproximateAgeOfOldestMessage" if queue.dead_letter else "ApproximateNumberOfMessagesVisible"
        assert (metric, str({"QueueName": {"Fn::GetAtt": [queue.logical_id, "QueueName"]}})) in watched
    for function in FUNCTIONS:
        for metric in ("Errors", "Throttles"):
            assert (metric, str({"FunctionName": {"Ref": function.logical_id}})) in watched
    assert len({alarm.name for alarm in ALARMS}) == len({alarm.logical_id for alarm in ALARMS}) == len(ALARMS)


def schedules(resources: Json) -> dict[str, int]:
    """Return function -> the seconds between two runs."""
    units = {"minute": 60, "hour": 3600, "day": 86_400}
    found = {}
    for function in FUNCTIONS:
        for event in resources[function.logical_id]["Properties"].get("Events", {}).values():
            if event["Type"] == "Schedule":
                number, unit = re.fullmatch(r"rate\((\d+) (\w+?)s?\)", event["Properties"]["Schedule"]).groups()  # type: ignore[union-attr]
                found[function.name] = int(number) * units[unit]
    return found


def test_every_scheduled_function_has_a_heartbeat_that_outlasts_two_failed_runs(resources: Json) -> None:
    every_s = schedules(resources)
    assert set(every_s) == set(LATE_MS)
    for function, seconds in every_s.items():
        (alarm,) = [alarm for alarm in ALARMS if alarm.name == f"{FUNCTION[function].suffix}-heartbeat"]
        assert isinstance(alarm.metrics, Metric)
        assert (alarm.metrics.name, alarm.metrics.statistic) == (heartbeat(function), "Sum")
        assert (alarm.comparison, alarm.threshold, alarm.missing) == ("LessThanThreshold", 1, "breaching")
        assert alarm.period_s * alarm.periods * 1000 == LATE_MS[function]
        assert LATE_MS[function] >= 3 * seconds * 1000
    assert LATE_MS["verify_ledger"] >= 24 * 3_600_000, "it finishes once a day"


@pytest.mark.parametrize("alarm", ALARMS, **by_name)
def test_the_rule_for_missing_data_has_a_reason(alarm: Alarm) -> None:
    properties = alarm.resource(Build("test", "aws"))["Properties"]
    assert properties["TreatMissingData"] == alarm.missing
    assert alarm.why
    assert (alarm.missing == "breaching") == alarm.name.endswith("-heartbeat")
    # A result that comes once an hour or less often must not be forgotten between two runs.
    rare = {"BoardDifferences", "FailuresNotArchived", "FailureAge", "LedgerDifferences"}
    assert (alarm.missing == "ignore") == bool(rare & {metric.name for metric in metrics_of(alarm).values()})


@pytest.fixture(scope="module")
def written() -> dict[tuple[str, str], tuple[Json, str]]:
    """Run each worker and the API; return (namespace, name) -> the dimensions and the unit of what they wrote."""
    capture = pytest.MonkeyPatch()
    lines: list[str] = []
    with capture.context() as patch:
        patch.setattr("builtins.print", lambda *words, **_: lines.append(" ".join(map(str, words))))
        run_everything(patch)
    return {
        (block["Namespace"], metric["Name"]): ({name: line[name] for name in block["Dimensions"][0]}, metric["Unit"])
        for line in map(json.loads, lines)
        for block in line["_aws"]["CloudWatchMetrics"]
        for metric in block["Metrics"]
    }


def run_everything(patch: pytest.MonkeyPatch) -> None:
    """Invoke each worker as Lambda does, and let the API answer 503."""
    site = Site()
    plant, world = site.plant, site.world
    patch.setattr(wiring, "context", lambda: plant.context)
    for module in ("verify", "verify_ledger"):
        patch.setattr(f"chalicelib.workers.{module}.sleep", world.sleep)
    for name, worker in WORKERS.items():
        worker(SCHEDULE, LambdaContext(world, f"laurel-{name}", "r", 900))
    plant.sqs.send_message(
        QueueUrl=plant.urls["boards"], MessageBody="{}", MessageGroupId="g", MessageDeduplicationId="d"
    )
    queue = world.queue(plant.urls["boards"])
    boards.boards(lambda_event(queue, queue.messages()), LambdaContext(world, "laurel-boards", "r", 120))

    def busy(*_: Any, **__: Any) -> Any:
        raise Busy("the table is busy")

    patch.setattr(table_module.Table, "get", busy)
    patch.setattr(table_module.Table, "query", busy)
    assert site.get("/leaderboard").status == 503
    world.close()


@pytest.mark.parametrize("alarm", OWN, **by_name)
def test_own_alarms_watch_metrics_as_the_code_writes_them(
    alarm: Alarm, written: dict[tuple[str, str], tuple[Json, str]]
) -> None:
    assert isinstance(alarm.metrics, Metric)
    assert (alarm.metrics.namespace, alarm.metrics.name) in written
    dimensions, unit = written[alarm.metrics.namespace, alarm.metrics.name]
    assert dimensions == dict(alarm.metrics.dimensions)
    assert unit == ("Seconds" if alarm.metrics.name.endswith("Age") else "Count")
    assert "Unit" not in alarm.resource(Build("test", "aws"))["Properties"], "a unit would have to be equal"
    adds_up = alarm.metrics.name.endswith(("Finished", "Rejected", "Archived", "Unavailable"))
    assert alarm.metrics.statistic == ("Sum" if adds_up else "Maximum")


def test_the_namespace_and_the_dimension_are_those_of_the_code() -> None:
    assert observability.NAMESPACE == own.NAMESPACE
    assert {observability.SERVICE} == {alarm.metrics.dimensions["service"] for alarm in OWN}  # type: ignore[union-attr]


def test_a_response_without_503_writes_no_metric(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    site = Site()
    monkeypatch.setattr(wiring, "context", lambda: site.context)
    assert site.get("/leaderboard").status == 200
    assert site.get("/leaderboard?scope=nowhere").status == 400
    assert "_aws" not in capsys.readouterr().out
    site.world.close()


def test_the_share_of_errors_needs_more_than_one_error() -> None:
    (alarm,) = [alarm for alarm in ALARMS if alarm.name == "api-5xx"]
    assert alarm.expression == "IF(errors >= 5, 100 * errors / requests, 0)"
    assert (alarm.threshold, alarm.comparison) == (1, "GreaterThanThreshold")


def test_the_template_has_all_alarms() -> None:
    build = Build("test", "aws")
    found = {
        name: resource
        for name, resource in merge_template(build)["Resources"].items()
        if resource.get("Type") == "AWS::CloudWatch::Alarm"
    }
    assert found == {alarm.logical_id: alarm.resource(build) for alarm in catalogue(build)}


def test_the_dashboard_shows_every_metric_of_an_alarm(resources: Json) -> None:
    body = resources["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    for alarm in ALARMS:
        for metric in metrics_of(alarm).values():
            assert json.dumps(metric.name).strip('"') in body, metric.name
    widgets = json.loads(body)["widgets"]
    assert len({(widget["x"], widget["y"]) for widget in widgets}) == len(widgets)


def test_the_page_of_costs_has_the_number_of_alarms() -> None:
    metrics = sum(len(metrics_of(alarm)) for alarm in ALARMS)
    stated = f"A stage has {len(ALARMS)} alarms over {metrics} metrics."
    assert stated in page("docs/architecture/costs.md").text
    assert f"{metrics / 10:.2f}." in page("docs/architecture/costs.md").text
