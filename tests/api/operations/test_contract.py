"""Tests that generators of clients can read the document."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from chalicelib.api.registry import OPERATIONS
from infra.openapi.document import document
from infra.openapi.schemas import portable, structs

# The common subset of ECMA-262 (with the flag u) and RE2: literals, classes of characters, groups, counted repeats.
CLASS = r"\[\^?(?:[A-Za-z0-9._:@!~/ -]|\\[\]\[\\^-])+\]"
ATOM = rf"(?:{CLASS}|[A-Za-z0-9_:@!~/ -]|\\[.+*?()|\[\]{{}}^$\\/]|\((?:\?:)?|\)|\|)"
PORTABLE = re.compile(rf"\^(?:{ATOM}(?:[*+?]|\{{(?P<low>\d+)(?:,(?P<high>\d*))?\}})?)*\$")
# RE2 allows no more repeats than these.
MAX_REPEATS = 1000


@pytest.fixture(scope="module")
def found() -> Any:
    return document()


def is_portable(pattern: str) -> bool:
    counts = [int(number) for number in re.findall(r"(?<=[{,])\d+(?=[,}])", pattern)]
    return PORTABLE.fullmatch(pattern) is not None and all(number <= MAX_REPEATS for number in counts)


def members(value: Any, name: str) -> Iterator[Any]:
    """Return the values of all members called `name` that are no schemas of members themselves."""
    if isinstance(value, list):
        for each in value:
            yield from members(each, name)
    if isinstance(value, dict):
        for key, each in value.items():
            if key == name and not isinstance(each, dict):
                yield each
            if key not in {"examples", "example"}:
                yield from members(each, name)


def test_patterns_are_in_the_common_subset(found: Any) -> None:
    patterns = set(members(found, "pattern"))
    assert len(patterns) == 4
    for pattern in patterns:
        assert is_portable(pattern), pattern


@pytest.mark.parametrize(
    "pattern",
    [
        r"^a$(?!\n)",
        r"^a\Z",
        r"^a\z",
        r"^\d+$",
        r"^\p{L}$",
        r"^(?<n>a)$",
        r"^(?P<n>a)$",
        r"a",
        r"^a{1,1001}$",
        r"^a{,3}$",
    ],
)
def test_the_check_of_patterns_refuses_what_is_in_one_language_only(pattern: str) -> None:
    assert not is_portable(pattern)


def test_a_pattern_ends_at_the_end_in_every_language() -> None:
    assert portable(r"^[a-z]{1,3}\Z") == "^[a-z]{1,3}$"
    assert portable(r"^\\Z$") == r"^\\Z$"


def of_answers(found: Any) -> dict[str, Any]:
    kinds = structs(operation.answer_type for operation in OPERATIONS if operation.answer)
    return {kind.__name__: found["components"]["schemas"][kind.__name__] for kind in kinds}


def of_bodies(found: Any) -> set[str]:
    return {kind.__name__ for kind in structs(kind for operation in OPERATIONS for kind in operation.body_types)}


def test_a_type_belongs_to_requests_or_to_answers(found: Any) -> None:
    assert not of_answers(found).keys() & of_bodies(found)
    assert of_answers(found).keys() | of_bodies(found) | {"Error", "AnyEvent", "EventsBody"} == set(
        found["components"]["schemas"]
    )


def test_answers_have_no_defaults(found: Any) -> None:
    assert list(members(of_answers(found), "default")) == []
    responses = [each["responses"] for methods in found["paths"].values() for each in methods.values()]
    assert list(members(responses, "default")) == []


def test_the_members_of_answers_that_are_always_sent_are_required(found: Any) -> None:
    for kind in structs(operation.answer_type for operation in OPERATIONS if operation.answer):
        schema = found["components"]["schemas"][kind.__name__]
        by_name = {field.encode_name: field for field in msgspec.structs.fields(kind)}
        assert set(schema["properties"]) == set(by_name)
        for name, field in by_name.items():
            left_out = not field.required and (kind.__struct_config__.omit_defaults or field.default is msgspec.UNSET)
            assert (name in schema["required"]) is not left_out, (kind, name)
            if left_out:
                assert {"type": "null"} not in schema["properties"][name].get("anyOf", []), (kind, name)


def test_members_of_answers_have_exact_types(found: Any) -> None:
    """A generator makes `unknown[]` and `Record<string, never>` of arrays and objects without a type of their items."""

    def check(schema: Any, place: str) -> None:
        if "$ref" in schema:
            return
        if "anyOf" in schema:
            for each in schema["anyOf"]:
                check(each, place)
            return
        if "enum" in schema:
            return
        assert schema.get("type") in {"string", "integer", "boolean", "null", "array", "object"}, place
        if schema["type"] == "array":
            check(schema["items"], f"{place}[]")
        if schema["type"] == "object":
            assert schema.get("properties") or schema["additionalProperties"], place
            for name, each in schema.get("properties", {}).items():
                check(each, f"{place}.{name}")
            if isinstance(schema.get("additionalProperties"), dict):
                check(schema["additionalProperties"], f"{place}{{}}")

    for name, schema in of_answers(found).items():
        check(schema, name)


def test_objects_with_any_member_say_so(found: Any) -> None:
    schemas = found["components"]["schemas"]
    for name, member in (("CloudEvent", "data"), ("GatewayEvent", "metadata")):
        (free,) = [each for each in schemas[name]["properties"][member]["anyOf"] if each["type"] == "object"]
        assert free["additionalProperties"] is True


def test_no_member_has_null_as_its_default(found: Any) -> None:
    assert None not in list(members(found, "default"))
