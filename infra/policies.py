"""One least-privilege policy per function."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from infra import tables
from infra.access import SCOPES, Access
from infra.settings import ORDER_INDEX, QUEUE, Build, Function

Json = dict[str, Any]

LEADING_KEYS = "dynamodb:LeadingKeys"
CONSUME = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes"]

# Statements whose actions AWS defines without resources: they accept no value but "*".
RESOURCELESS = {"Traces": "X-Ray's put actions have no resource types"}


def function_name(build: Build, function: Function) -> str:
    return f"{build.prefix}-{function.suffix}"


def policy(build: Build, function: Function, scopes: Iterable[str]) -> Json:
    """Return the policy document of `function`, with CloudFormation references for ARNs.

    `scopes`: those of the ruleset's boards, which are partitions of the index.
    """
    statements = [_logs(build, function), *(_item(build, access, scopes) for access in function.table)]
    consumed = [*([function.queue] if function.queue else []), *function.consumes]
    if consumed:
        statements.append(_statement("Consume", CONSUME, [_arn(QUEUE[key].logical_id) for key in consumed]))
    if function.counts:
        counted = [_arn(QUEUE[key].logical_id) for key in function.counts]
        statements.append(_statement("Count", ["sqs:GetQueueAttributes"], counted))
    if function.sends:
        queues = [_arn(QUEUE[key].logical_id) for key in function.sends]
        statements.append(_statement("Send", ["sqs:SendMessage"], queues))
    if function.publishes:
        statements.append(_statement("Publish", ["events:PutEvents"], [_arn("Bus")]))
    if build.tracing:
        statements.append(_statement("Traces", ["xray:PutTraceSegments", "xray:PutTelemetryRecords"], ["*"]))
    return {"Version": "2012-10-17", "Statement": statements}


def _item(build: Build, access: Access, scopes: Iterable[str]) -> Json:
    """Return the statement about items of the table, or of its index."""
    place = tables.arn(build, f"/index/{ORDER_INDEX}" if access.index else "")
    statement = _statement(access.name, [f"dynamodb:{action}" for action in access.actions], [place])
    if access.keys is not None:
        keys = [each for key in access.keys for each in ([f"{scope}#" for scope in scopes] if key == SCOPES else [key])]
        # ForAllValues also holds for a request without the key.
        statement["Condition"] = {
            "ForAllValues:StringLike": {LEADING_KEYS: [f"{key}*" if key.endswith("#") else key for key in keys]},
            "Null": {LEADING_KEYS: "false"},
        }
    return statement


def _logs(build: Build, function: Function) -> Json:
    group = f"/aws/lambda/{function_name(build, function)}"
    arn = "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:" + group + ":*"
    return _statement("Logs", ["logs:CreateLogStream", "logs:PutLogEvents"], [{"Fn::Sub": arn}])


def _statement(sid: str, actions: list[str], resources: list[Any]) -> Json:
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources}


def _arn(logical_id: str) -> Json:
    return {"Fn::GetAtt": [logical_id, "Arn"]}
