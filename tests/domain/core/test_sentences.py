from __future__ import annotations

from typing import Any

import msgspec
import pytest

from chalicelib.domain.core.errors import InvalidRequest
from chalicelib.domain.core.sentences import NO_OPERATION, not_json, not_one_of, one_of, suggestion, unknown
from tests.sentences import faults, watched


@pytest.mark.parametrize(
    "sentence",
    [
        "the body is missing.",
        "The body is missing",
        "Is the body missing?",
        "The body  is missing.",
        'The "body" is missing.',
        "Expected `int`, got `str`.",
        "Object missing required field 'key'.",
        "Invalid enum value 'OK'.",
        "'key' must be None.",
        "'key' must match ^[a-z]{1,3}.",
        "JSON is malformed: invalid character (byte 0).",
    ],
)
def test_the_style_of_a_sentence_is_checked(sentence: str) -> None:
    assert faults(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        NO_OPERATION,
        "Insufficient balance.",
        "'limit' must be an integer from 1 to 200.",
        "There is no member '`^None  \n'.",
        unknown("member", "metdata", ["metadata"]),
    ],
)
def test_a_sentence_of_the_style_has_no_fault(sentence: str) -> None:
    assert faults(sentence) == ()


def test_an_error_of_another_style_is_noticed(provoked: list[str]) -> None:
    with watched() as found:
        InvalidRequest("no")
    assert found == [
        "'no' begins with neither a capital letter nor a quoted name",
        "'no' does not end with a full stop",
    ]
    assert provoked == found
    provoked.clear()
    with watched() as found:
        InvalidRequest("No.")
    assert found == []


@pytest.mark.parametrize(
    ("name", "end"),
    [("wekly", "; did you mean 'weekly'?"), ("WEEKLY", "; did you mean 'weekly'?"), ("zzz", "."), ("", ".")],
)
def test_the_closest_name_is_suggested(name: str, end: str) -> None:
    assert suggestion(name, ["daily", "weekly"]) == end
    assert not_one_of("scope", name, ["daily", "weekly"]) == f"'scope' must be daily or weekly{end}"


def test_alternatives_in_words() -> None:
    assert [one_of(["a", "b", "c"][:size]) for size in (1, 2, 3)] == ["a", "a or b", "one of a, b, c"]
    assert one_of([]) == "absent, because none exists"


@pytest.mark.parametrize(
    ("text", "end"),
    [
        (b"x", ": invalid character at byte 0."),
        (b'{"a": 1', ": it ends too early."),
        (b"1 2", ": trailing characters at byte 3."),
        (b'"\xff"', ": it is not UTF-8."),
        (b"[" * 100_000, ": it nests too deeply."),
    ],
)
def test_a_text_that_is_not_json_is_described(text: bytes, end: str) -> None:
    caught: Any = None
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        caught = error
    assert not_json("The body", caught) == f"The body is not valid JSON{end}"
