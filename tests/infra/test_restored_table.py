"""Tests of a stage that uses a restored table instead of the stack's own."""

from __future__ import annotations

import json

import pytest

from chalicelib.domain.rules.ruleset import load
from chalicelib.settings import RULESETS
from infra.policies import policy
from infra.settings import FUNCTIONS, Build, Function, SettingError
from infra.template import merge_template

RESTORED = "laurel-prod-restored"
BUILD = Build("prod", "aws", table=RESTORED)
SCOPES = list(load(RULESETS / "default.toml").boards)
ARN = "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/" + RESTORED


def test_functions_outputs_and_alarms_use_the_restored_table() -> None:
    template = merge_template(BUILD)
    for function in FUNCTIONS:
        variables = template["Resources"][function.logical_id]["Properties"]["Environment"]["Variables"]
        assert variables["LAUREL_TABLE"] == RESTORED
    assert template["Outputs"]["TableName"]["Value"] == RESTORED
    table = template["Resources"].pop("Table")
    assert (table["Properties"]["TableName"], table["DeletionPolicy"]) == ("laurel-prod", "Retain"), "the old one stays"
    text = json.dumps(template)
    for reference in ('{"Ref": "Table"}', "Table.Arn", '["Table", "Arn"]', '"TableName", "laurel-prod"'):
        assert reference not in text


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
def test_policies_allow_the_restored_table_and_not_the_old_one(function: Function) -> None:
    statements = {each["Sid"]: each for each in policy(BUILD, function, SCOPES)["Statement"]}
    own = {each["Sid"]: each for each in policy(Build("prod", "aws"), function, SCOPES)["Statement"]}
    for access in function.table:
        path = "/index/order-index" if access.index else ""
        assert statements[access.name]["Resource"] == [{"Fn::Sub": ARN + path}]
        assert {**statements[access.name], "Resource": own[access.name]["Resource"]} == own[access.name]


@pytest.mark.parametrize("name", ["x", "a table", "t" * 256, "t/index"])
def test_a_name_that_no_table_can_have_is_refused(name: str) -> None:
    with pytest.raises(SettingError, match="TABLE"):
        Build("prod", "aws", table=name)
