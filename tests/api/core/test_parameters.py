"""Tests of query strings: each parameter is known, given once and in its range."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.api.registry import OPERATIONS
from tests.api.conftest import Site
from tests.api.http import request

SCOPES = "one of global, daily, weekly, monthly, tokens_shared, contributions"
IDS = {"player": "anna", "badge": "first-steps", "reward": "mug", "hold": "h", "redemption": "r"}


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_every_operation_refuses_a_parameter_it_does_not_know(site: Site, operation: Any) -> None:
    path = operation.path.format(**IDS)
    answer = request(operation.method, f"{path}?zzz=1", key=site.key("root", "admin"))
    assert (answer.status, answer.json["code"], answer.json["parameter"]) == (400, "invalid_request", "zzz")
    assert answer.json["error"] == "There is no parameter 'zzz'."


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("scop=weekly", "There is no parameter 'scop'; did you mean 'scope'?"),
        ("ofset=5", "There is no parameter 'ofset'; did you mean 'offset'?"),
        ("Scope=weekly", "There is no parameter 'Scope'; did you mean 'scope'?"),
        ("=1", "There is no parameter ''."),
        (f"{'z' * 100}=1", f"There is no parameter '{'z' * 64}'."),
        ("limit=5&limit=5", "'limit' is given 2 times; give it at most once."),
        ("limit=5&scope=daily&limit=6", "'limit' is given 2 times; give it at most once."),
        ("scope=wekly", f"'scope' must be {SCOPES}; did you mean 'weekly'?"),
        ("scope=Weekly", f"'scope' must be {SCOPES}; did you mean 'weekly'?"),
        ("scope=nowhere", f"'scope' must be {SCOPES}."),
        ("limit=0", "'limit' must be an integer from 1 to 200."),
        ("limit=null", "'limit' must be an integer from 1 to 200."),
        ("period=null", "'period' must be a string of at most 16 characters."),
        ("period=All", "'period' must be 'all' for this scope."),
        ("scope=weekly&period=2027-W53", "There is no week 2027-W53; 'period' takes one such as 2026-W21."),
        ("scope=weekly&period=2026-W54", "There is no week 2026-W54; 'period' takes one such as 2026-W21."),
        ("scope=daily&period=2027-02-29", "There is no day 2027-02-29; 'period' takes one such as 2026-05-19."),
        ("scope=monthly&period=2027-13", "There is no month 2027-13; 'period' takes one such as 2026-05."),
        ("scope=weekly&period=2027-5", "'period' must be a week such as 2026-W21 for this scope."),
    ],
)
def test_the_message_names_the_problem(site: Site, query: str, error: str) -> None:
    answer = site.get(f"/leaderboard?{query}")
    assert (answer.status, answer.json["code"], answer.json["error"]) == (400, "invalid_request", error)
    assert "parameter" in answer.json


@pytest.mark.parametrize("value", ["null", "NULL", "maybe"])
def test_earned_is_true_or_false(site: Site, value: str) -> None:
    answer = site.get(f"/badges?earned={value}", site.key("anna"))
    assert (answer.status, answer.json["error"]) == (400, "'earned' must be true or false.")
    assert answer.json["allowed"] == [True, False]


@pytest.mark.parametrize(
    ("value", "end"), [("recieved", "; did you mean 'received'?"), ("all ", "; did you mean 'all'?"), ("", "")]
)
def test_the_closest_allowed_value_is_suggested(site: Site, value: str, end: str) -> None:
    answer = site.get(f"/transfer?direction={value}", site.key("anna"))
    if not end:
        assert answer.status == 200
        return
    assert answer.json["error"] == f"'direction' must be one of all, received, sent{end}"
    assert answer.json["allowed"] == ["all", "received", "sent"]


def test_an_empty_value_is_equivalent_to_none(site: Site) -> None:
    assert site.get("/leaderboard?scope=&period=&limit=").json == site.get("/leaderboard").json
    answer = request("DELETE", "/api/gamification/invite?code=", key=site.key("anna"))
    assert (answer.status, answer.json["error"]) == (400, "'code' is missing.")
