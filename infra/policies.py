"""One least-privilege policy per function."""

from __future__ import annotations

from typing import Any

from infra.settings import ORDER_INDEX, QUEUE, Build, Function

Json = dict[str, Any]

CONSUME = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes"]

# Statements whose actions AWS defines without resources: they accept no value but "*".
RESOURCELESS = {"Traces": "X-Ray's put actions have no resource types"}


def function_name(build: Build, function: Function) -> str:
    return f"{build.prefix}-{function.suffix}"


def policy(build: Build, function: Function) -> Json:
    """Return the policy document of `function`, with CloudFormation references for ARNs."""
    statements = [_logs(build, function)]
    if function.table:
        statements.append(_statement("Table", [f"dynamodb:{name}" for name in function.table], [_arn("Table")]))
    if function.index:
        index = {"Fn::Sub": "${Table.Arn}/index/" + ORDER_INDEX}
        statements.append(_statement("Index", ["dynamodb:Query"], [index]))
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


def _logs(build: Build, function: Function) -> Json:
    group = f"/aws/lambda/{function_name(build, function)}"
    arn = "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:" + group + ":*"
    return _statement("Logs", ["logs:CreateLogStream", "logs:PutLogEvents"], [{"Fn::Sub": arn}])


def _statement(sid: str, actions: list[str], resources: list[Any]) -> Json:
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources}


def _arn(logical_id: str) -> Json:
    return {"Fn::GetAtt": [logical_id, "Arn"]}
