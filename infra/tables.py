"""The table that a stack uses: its own, or an existing one, such as a table that was restored from a backup."""

from __future__ import annotations

from typing import Any

from infra.settings import Build

Json = dict[str, Any]


def name(build: Build) -> Json | str:
    """Return the table's name, or a reference to it."""
    return build.table or {"Ref": "Table"}


def arn(build: Build, path: str = "") -> Json:
    """Return the ARN of the table, or of something in it."""
    if build.table:
        base = "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/"
        return {"Fn::Sub": f"{base}{build.table}{path}"}
    return {"Fn::Sub": "${Table.Arn}" + path} if path else {"Fn::GetAtt": ["Table", "Arn"]}
