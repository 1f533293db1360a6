"""Decoded JSON: its numbers, and its depth."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chalicelib.domain.core.json_values import MAX_DEPTH, too_deep, whole_numbers


@pytest.mark.parametrize(
    ("value", "whole"),
    [
        (250.0, 250),
        (-0.0, 0),
        (1.5, 1.5),
        (2.0**53, 2**53),
        (1e300, 1e300),
        (True, True),
        ({"a": [1.0, {"b": 2.0}], "c": "3.0"}, {"a": [1, {"b": 2}], "c": "3.0"}),
    ],
)
def test_a_number_without_a_fraction_is_an_integer(value: Any, whole: Any) -> None:
    found = whole_numbers(value)
    assert (found, json.dumps(found)) == (whole, json.dumps(whole))


@pytest.mark.parametrize(("levels", "deep"), [(0, False), (MAX_DEPTH, False), (MAX_DEPTH + 1, True)])
def test_containers_nest_to_a_limit(levels: int, deep: bool) -> None:
    in_lists: Any = 1
    in_objects: Any = 1
    for _ in range(levels):
        in_lists, in_objects = [in_lists], {"a": in_objects}
    assert (too_deep(in_lists), too_deep(in_objects)) == (deep, deep)
