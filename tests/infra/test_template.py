"""Tests of the packaged template, as CloudFormation gets it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from chalicelib.api.request import KEY_NEEDED
from chalicelib.domain.core.errors import LaurelError
from chalicelib.domain.rules.ruleset import load
from chalicelib.settings import RULESETS
from infra.alarms.catalogue import catalogue
from infra.gateway import REFUSALS, RETRY_AFTER_S
from infra.package import Package
from infra.policies import LEADING_KEYS, RESOURCELESS, policy
from infra.settings import API_FUNCTION, FUNCTIONS, QUEUE, QUEUES, VISIBILITY_FACTOR, Build, Function, SettingError
from infra.template import event_source, merge_template

Json = dict[str, Any]

# cfn-lint rules that must be ignored, with the reason; none so far.
IGNORED_RULES: dict[str, str] = {}

# Of the default ruleset's boards.
SCOPES = tuple(load(RULESETS / "default.toml").boards)
WITH_QUEUE = [function for function in FUNCTIONS if function.queue]


def of_type(resources: Json, kind: str) -> Json:
    return {name: resource for name, resource in resources.items() if resource["Type"] == kind}


def event_sources(resources: Json) -> list[Json]:
    functions = of_type(resources, "AWS::Serverless::Function").values()
    events = [event for function in functions for event in function["Properties"].get("Events", {}).values()]
    return [event["Properties"] for event in events if event["Type"] == "SQS"]


def environment_of(resources: Json, function: Function) -> Json:
    variables: Json = resources[function.logical_id]["Properties"]["Environment"]["Variables"]
    return variables


def test_the_template_has_exactly_the_described_functions(resources: Json) -> None:
    packaged = of_type(resources, "AWS::Serverless::Function")
    handlers = {name: function["Properties"]["Handler"] for name, function in packaged.items()}
    assert handlers == {function.logical_id: function.handler for function in FUNCTIONS}


def test_every_queue_source_reports_failures_one_by_one(resources: Json) -> None:
    sources = event_sources(resources)
    assert len(sources) == len(WITH_QUEUE)
    for source in sources:
        assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_schedules(resources: Json) -> None:
    rules = {
        name: event["Properties"]["Schedule"]
        for name, function in of_type(resources, "AWS::Serverless::Function").items()
        for event in function["Properties"].get("Events", {}).values()
        if event["Type"] == "Schedule"
    }
    assert rules == {
        "Archive": "rate(6 hours)",
        "Rotate": "rate(5 minutes)",
        "Sweep": "rate(1 minute)",
        "Verify": "rate(1 hour)",
        "VerifyLedger": "rate(15 minutes)",
    }


def test_scheduled_functions_are_not_retried_and_reserve_no_concurrency(resources: Json) -> None:
    """A reservation fails the deployment in an account whose limit is 10, so `one_at_a_time` prevents overlaps."""
    for function in FUNCTIONS:
        properties = resources[function.logical_id]["Properties"]
        once = {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60}
        assert properties.get("EventInvokeConfig") == (once if function.is_scheduled else None)
        assert "ReservedConcurrentExecutions" not in properties


@pytest.mark.parametrize("function", WITH_QUEUE, ids=lambda function: function.name)
def test_event_source(resources: Json, function: Function) -> None:
    assert function.queue
    source = resources[function.logical_id]["Properties"]["Events"][function.event_id]["Properties"]
    assert source["Queue"] == {"Fn::Sub": "${" + QUEUE[function.queue].logical_id + ".Arn}"}
    assert source["BatchSize"] == function.batch_size
    if QUEUE[function.queue].fifo:
        assert source["BatchSize"] <= 10
        assert source["MaximumBatchingWindowInSeconds"] == 0
    else:
        assert source["MaximumBatchingWindowInSeconds"] == 1
        assert source["ScalingConfig"]["MaximumConcurrency"] == function.concurrency


def test_local_functions_run_two_at_a_time() -> None:
    found = {
        item.name: event_source(Build("local", "local"), item).get("ScalingConfig", {}).get("MaximumConcurrency")
        for item in WITH_QUEUE
    }
    assert found == {"progress": 2, "progress_own": 2, "progress_backfill": 2, "boards": None}


@pytest.mark.parametrize("function", WITH_QUEUE, ids=lambda function: function.name)
def test_visibility_timeouts_exceed_function_timeouts(resources: Json, function: Function) -> None:
    assert function.queue
    visibility = resources[QUEUE[function.queue].logical_id]["Properties"]["VisibilityTimeout"]
    timeout = resources[function.logical_id]["Properties"]["Timeout"]
    if QUEUE[function.queue].fifo:
        assert timeout < visibility <= 2 * timeout
    else:
        assert visibility >= VISIBILITY_FACTOR * timeout


def test_sources_keep_4_days_and_end_in_a_dead_letter_queue_of_14(resources: Json) -> None:
    for function in WITH_QUEUE:
        assert function.queue
        source = resources[QUEUE[function.queue].logical_id]["Properties"]
        assert source["MessageRetentionPeriod"] == 4 * 86_400
        assert source["RedrivePolicy"]["maxReceiveCount"] == 10
        target = resources[source["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0]]["Properties"]
        assert target["MessageRetentionPeriod"] == 14 * 86_400
        assert target.get("FifoQueue", False) == source.get("FifoQueue", False)
    assert resources["RejectedQueue"]["Properties"]["MessageRetentionPeriod"] == 14 * 86_400


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
def test_function_settings(resources: Json, function: Function) -> None:
    properties = resources[function.logical_id]["Properties"]
    assert properties["MemorySize"] == function.memory_mb > 128
    assert properties["Timeout"] == function.timeout_s
    assert properties["Architectures"] == ["arm64"]
    assert properties["Tracing"] == "PassThrough"
    variables = environment_of(resources, function)
    assert {name for name in variables if name.startswith("LAUREL_")} >= {
        *("LAUREL_STAGE", "LAUREL_TABLE", "LAUREL_EVENTS_QUEUE", "LAUREL_OWN_QUEUE", "LAUREL_BACKFILL_QUEUE"),
        *("LAUREL_BOARDS_QUEUE", "LAUREL_REJECTED_QUEUE", "LAUREL_DEAD_LETTER_QUEUE", "LAUREL_BUS"),
        *("LAUREL_RULESET", "LAUREL_TRACING"),
    }
    assert variables["LAUREL_EVENTS_QUEUE"] == {"Ref": "EventsQueue"}
    assert 1 <= int(variables["LAUREL_THREADS"]) <= 32, "the table's client has 32 connections"


def test_every_function_has_a_role_of_its_own(resources: Json) -> None:
    roles = [resources[function.logical_id]["Properties"]["Role"]["Fn::GetAtt"][0] for function in FUNCTIONS]
    assert len(set(roles)) == len(FUNCTIONS)
    for role, function in zip(roles, FUNCTIONS, strict=True):
        (inline,) = resources[role]["Properties"]["Policies"]
        assert inline["PolicyDocument"] == policy(Build("test", "aws"), function, SCOPES)
        assert "ManagedPolicyArns" not in resources[role]["Properties"]


@pytest.mark.parametrize("tracing", [False, True])
@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
def test_no_policy_allows_more_than_named_actions_on_named_resources(function: Function, tracing: bool) -> None:
    for statement in policy(Build("test", "aws", tracing=tracing), function, SCOPES)["Statement"]:
        assert not any("*" in action for action in statement["Action"])
        if statement["Sid"] not in RESOURCELESS:
            assert all(isinstance(resource, dict) for resource in statement["Resource"]), statement


def test_permissions_of_each_function() -> None:
    allowed = {
        function.name: {
            (action, json.dumps(resource))
            for statement in policy(Build("test", "aws"), function, SCOPES)["Statement"]
            for action in statement["Action"]
            for resource in statement["Resource"]
        }
        for function in FUNCTIONS
    }

    def may(function: str, action: str, logical_id: str) -> bool:
        return (action, json.dumps({"Fn::GetAtt": [logical_id, "Arn"]})) in allowed[function]

    assert may("progress", "sqs:ReceiveMessage", "EventsQueue")
    assert may("progress", "sqs:ChangeMessageVisibility", "EventsQueue")
    assert may("progress", "dynamodb:PutItem", "Table")
    assert not may("progress", "dynamodb:DeleteItem", "Table")
    assert may("progress", "sqs:SendMessage", "RejectedQueue")
    for queue in ("RejectedQueue", "DeadLetterQueue", "BoardsDeadLetterQueue"):
        assert may("archive", "sqs:ReceiveMessage", queue)
        assert may("archive", "sqs:ChangeMessageVisibility", queue)
        assert may("archive", "sqs:DeleteMessage", queue)
        assert not may("archive", "sqs:SendMessage", queue)
    assert may("archive", "dynamodb:BatchGetItem", "Table")
    assert may("archive", "dynamodb:UpdateItem", "Table")
    assert not may("progress", "sqs:ReceiveMessage", "BackfillQueue")
    assert not may("progress", "sqs:SendMessage", "EventsQueue")
    assert may("boards", "dynamodb:UpdateItem", "Table")
    assert not may("boards", "dynamodb:PutItem", "Table")
    assert may("boards", "sqs:SendMessage", "BoardsQueue"), "a repair orders its next turn"
    assert not may("boards", "sqs:SendMessage", "EventsQueue")
    assert may("rotate", "sqs:SendMessage", "BoardsQueue")
    assert not may("rotate", "sqs:ReceiveMessage", "BoardsQueue")
    for queue in ("EventsQueue", "OwnQueue", "BackfillQueue"):
        assert may("rotate", "sqs:GetQueueAttributes", queue)
    assert not may("rotate", "sqs:ReceiveMessage", "EventsQueue")
    assert not may("rotate", "dynamodb:DeleteItem", "Table")
    assert may("verify", "dynamodb:Scan", "Table")
    writes = [action for action, _ in allowed["verify"] if action.startswith("dynamodb:") and "Item" in action]
    own_run = {"PutItem", "UpdateItem"}
    assert {action.partition(":")[2] for action in writes} == {"GetItem", "BatchGetItem", *own_run}
    assert not may("api_handler", "sqs:DeleteMessage", "EventsQueue")
    assert not may("archive", "dynamodb:DeleteItem", "Table")


def leading_keys(function: str, action: str) -> set[str]:
    """Return the patterns of leading keys that a function may name in an action on the table."""
    (found,) = [each for each in FUNCTIONS if each.name == function]
    statements = [
        statement
        for statement in policy(Build("test", "aws"), found, SCOPES)["Statement"]
        if f"dynamodb:{action}" in statement["Action"] and statement["Resource"] == [{"Fn::GetAtt": ["Table", "Arn"]}]
    ]
    assert all(statement["Condition"]["Null"] == {LEADING_KEYS: "false"} for statement in statements)
    return {key for statement in statements for key in statement["Condition"]["ForAllValues:StringLike"][LEADING_KEYS]}


def test_each_function_is_limited_to_partitions() -> None:
    assert leading_keys("sweep", "DeleteItem") == {"OUTBOX#*"}
    assert leading_keys("sweep", "PutItem") == {"RUN#sweep"}
    assert leading_keys("verify", "PutItem") == {"RUN#verify"}
    assert leading_keys("verify", "UpdateItem") == {"RUN#verify"}
    assert leading_keys("verify", "DeleteItem") == set()
    assert leading_keys("archive", "UpdateItem") == {"FAILURE#*", "BODY#*", "RUN#archive"}
    assert leading_keys("boards", "UpdateItem").isdisjoint({"ACCOUNT#*", "PLAYER#*", "API_KEY#*"})
    assert leading_keys("rotate", "PutItem") == {"BACKLOG", "ARCHIVE#*", "ROTATION#*", "RUN#rotate"}
    assert "API_KEY#*" in leading_keys(API_FUNCTION, "UpdateItem")
    assert "API_KEY#*" not in leading_keys(API_FUNCTION, "PutItem"), "the API creates no keys"
    assert leading_keys(API_FUNCTION, "DeleteItem").isdisjoint(
        {"PLAYER#*", "API_KEY#*", "IDEMPOTENCY#*", "CORRECTED#*"}
    )


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
def test_only_a_scan_is_not_limited_to_partitions(function: Function) -> None:
    for statement in policy(Build("test", "aws"), function, SCOPES)["Statement"]:
        if any(action.startswith("dynamodb:") for action in statement["Action"]):
            assert ("Condition" in statement) == (statement["Action"] != ["dynamodb:Scan"])


def test_the_policy_of_a_function_fits_its_role() -> None:
    """A role's inline policies have at most 10,240 characters."""
    for function in FUNCTIONS:
        assert len(json.dumps(policy(Build("test", "aws"), function, SCOPES), separators=(",", ":"))) < 8_000


def test_the_table(resources: Json) -> None:
    table = resources["Table"]
    assert table["DeletionPolicy"] == table["UpdateReplacePolicy"] == "Retain"
    properties = table["Properties"]
    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert properties["TimeToLiveSpecification"] == {"AttributeName": "expires", "Enabled": True}
    assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert properties["SSESpecification"]["SSEEnabled"] is True
    assert properties["DeletionProtectionEnabled"] is True
    (index,) = properties["GlobalSecondaryIndexes"]
    assert index["IndexName"] == "order-index"
    assert [key["AttributeName"] for key in index["KeySchema"]] == ["board", "order"]
    assert index["Projection"] == {
        "ProjectionType": "INCLUDE",
        "NonKeyAttributes": ["public", "name", "private", "level", "title"],
    }


def test_queues_stay_when_a_protected_stack_is_deleted_but_not_after_a_failed_creation(resources: Json) -> None:
    queues = of_type(resources, "AWS::SQS::Queue").values()
    assert len(queues) == len(QUEUES)
    assert {queue["DeletionPolicy"] for queue in queues} == {"RetainExceptOnCreate"}
    assert {queue["UpdateReplacePolicy"] for queue in queues} == {"Retain"}


@pytest.mark.parametrize(("stage", "target"), [("local", "local"), ("dev", "aws"), ("dev-anna", "aws")])
def test_the_data_of_local_and_developer_stages_end_with_the_stack(stage: str, target: Any) -> None:
    resources = merge_template(Build(stage, target))["Resources"]
    assert not any("DeletionPolicy" in resources[queue.logical_id] for queue in QUEUES)
    table = resources["Table"]
    assert table["DeletionPolicy"] == "Delete"
    assert table["Properties"]["DeletionProtectionEnabled"] is False


def test_every_refusal_of_the_gateway_has_the_form_of_laurels_errors(resources: Json) -> None:
    refusals = resources["RestAPI"]["Properties"]["DefinitionBody"]["x-amazon-apigateway-gateway-responses"]
    assert set(refusals) == set(REFUSALS) >= {"DEFAULT_4XX", "DEFAULT_5XX", "UNAUTHORIZED", "THROTTLED"}
    ours = {kind.code for kind in LaurelError.__subclasses__()} | {"rate_limited", "timeout"}
    assert {code for _, _, code in REFUSALS.values()} <= ours
    assert REFUSALS["UNAUTHORIZED"][1] == KEY_NEEDED
    for kind, refusal in refusals.items():
        headers = {name.rpartition(".")[2]: value for name, value in refusal["responseParameters"].items()}
        assert headers["Access-Control-Allow-Origin"] == "'*'"
        assert headers["X-Content-Type-Options"] == "'nosniff'"
        assert ("Retry-After" in headers) == (kind in RETRY_AFTER_S)
        body = refusal["responseTemplates"]["application/json"]
        parsed = json.loads(body)
        assert list(parsed) == ["error", "code"]
        assert parsed["error"].endswith(".")
        assert body == msgspec.json.encode(parsed).decode(), "spelled as Laurel's own errors are"
    assert set(RETRY_AFTER_S) <= set(REFUSALS)


def test_a_custom_origin_is_set_everywhere() -> None:
    build = Build("test", "aws", cors_origin="https://app.example.com")
    resources = merge_template(build)["Resources"]
    refusals = resources["RestAPI"]["Properties"]["DefinitionBody"]["x-amazon-apigateway-gateway-responses"]
    origins = {
        item["responseParameters"]["gatewayresponse.header.Access-Control-Allow-Origin"] for item in refusals.values()
    }
    assert origins == {"'https://app.example.com'"}
    assert environment_of(resources, FUNCTIONS[0])["LAUREL_CORS_ORIGIN"] == "https://app.example.com"
    with pytest.raises(SettingError, match="CORS_ORIGIN"):
        Build("test", "aws", cors_origin="it's")


def test_the_api_is_regional_and_throttled(resources: Json) -> None:
    properties = resources["RestAPI"]["Properties"]
    assert properties["EndpointConfiguration"] in ("REGIONAL", {"Type": "REGIONAL"})
    assert properties["MethodSettings"][0]["ThrottlingRateLimit"] > 0


def test_a_freeze_that_is_held_for_half_an_hour_is_an_alarm(resources: Json) -> None:
    alarm = resources["FreezeHeldAlarm"]["Properties"]
    assert (alarm["MetricName"], alarm["Statistic"]) == ("FreezeHeldMinutes", "Maximum")
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("GreaterThanThreshold", 29)
    assert alarm["Period"] >= 2 * 300, "rotate publishes it about every five minutes"


def test_the_dashboard_is_json_about_this_stage(resources: Json) -> None:
    body = json.loads(resources["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"])
    assert len(body["widgets"]) >= 8
    assert "laurel-test-progress" in json.dumps(body)


def test_logs_are_named_after_functions_and_kept_30_days(resources: Json) -> None:
    groups = of_type(resources, "AWS::Logs::LogGroup").values()
    names = {group["Properties"]["LogGroupName"]["Fn::Sub"] for group in groups}
    assert names == {"/aws/lambda/${" + function.logical_id + "}" for function in FUNCTIONS}
    assert {group["Properties"]["RetentionInDays"] for group in groups} == {30}


def test_tracing_is_switched_as_a_whole() -> None:
    traced = Build("test", "aws", tracing=True)
    for function in merge_template(traced)["Resources"].values():
        variables = function.get("Properties", {}).get("Environment", {}).get("Variables")
        assert variables is None or variables["LAUREL_TRACING"] == "1"
    sids = {statement["Sid"] for statement in policy(traced, FUNCTIONS[0], SCOPES)["Statement"]}
    assert sids >= set(RESOURCELESS)


def test_only_the_local_stage_has_a_custom_domain(resources: Json, local_package: Package) -> None:
    assert not of_type(resources, "AWS::ApiGateway::DomainName")
    local = json.loads(local_package.template.read_text())["Resources"]
    assert of_type(local, "AWS::ApiGateway::DomainName")
    with_expressions = {alarm.logical_id for alarm in catalogue(Build("test", "aws")) if alarm.expression}
    assert set(resources) - set(local) == with_expressions


def lint(body: str) -> list[str]:
    """Return errors and warnings, as the cfn-lint command reports them: its remarks (I) are off by default."""
    # Imported here: it takes longer than all other imports of the suite together.
    from cfnlint.api import lint_all

    found = [match for match in lint_all(body) if match.rule.id not in IGNORED_RULES]
    return [f"{match.rule.id}: {match.message}" for match in found if match.rule.id[0] in "EW"]


@pytest.mark.proof
@pytest.mark.slow("cfn-lint holds the whole template against all its rules")
def test_cfn_lint_finds_nothing(aws_package: Package) -> None:
    assert lint(aws_package.template.read_text()) == []


@pytest.mark.proof
def test_cfn_lint_finds_a_known_error(template: Json) -> None:
    table = json.loads(json.dumps(template["Resources"]["Table"]))
    table["Properties"]["BillingMode"] = "PAY_BY_LUCK"
    broken = {"AWSTemplateFormatVersion": "2010-09-09", "Resources": {"Table": table}}
    assert any("PAY_BY_LUCK" in finding for finding in lint(json.dumps(broken)))


@pytest.mark.parametrize("stage", ["", "Prod", "1st", "a-", "a" * 21, "a_b"])
def test_bad_stage_names_are_refused(stage: str) -> None:
    with pytest.raises(SettingError, match="STAGE"):
        Build(stage, "aws")


def test_the_local_stage_is_not_for_aws() -> None:
    with pytest.raises(SettingError, match="reserved"):
        replace(Build("prod", "aws"), stage="local")


def test_a_missing_or_wrong_ruleset_is_not_packaged(tmp_path: Path) -> None:
    from infra.package import package

    with pytest.raises(SettingError, match="no such file"):
        package(Build("test", "aws", ruleset=tmp_path / "none.toml"), tmp_path / "out")
    wrong = tmp_path / "wrong.toml"
    wrong.write_text("[levels]\nnonsense = 1\n")
    with pytest.raises(SettingError, match=r"wrong\.toml"):
        package(Build("test", "aws", ruleset=wrong), tmp_path / "out")


def test_the_stack_has_the_ruleset_of_its_functions_as_an_output(template: Json) -> None:
    assert template["Outputs"]["RulesetId"]["Value"] == load(RULESETS / "default.toml").id
