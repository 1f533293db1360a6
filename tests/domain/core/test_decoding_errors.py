"""Sentences about decoded JSON of another type."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
import pytest
from msgspec import Meta

from chalicelib.domain.core.decoding_errors import Fault, fault, unknown
from chalicelib.domain.core.moments import Moment, decode_moment
from chalicelib.domain.events import formats, payloads


class Inner(msgspec.Struct, forbid_unknown_fields=True):
    name: formats.PlayerId


class Sent(msgspec.Struct, forbid_unknown_fields=True):
    count: Annotated[int, Meta(ge=1, le=5)] = 1
    many: int = 0
    word: Annotated[str, Meta(min_length=1, max_length=3)] = "x"
    text: str = ""
    note: Annotated[str, Meta(max_length=3)] | None = None
    key: Annotated[str, Meta(pattern=r"^[!-~]{1,48}\Z")] = "x"
    choice: Literal["a", "b", "c"] = "a"
    yes: bool = True
    when: Moment | None = None
    either: bool | Annotated[str, Meta(min_length=1, max_length=9)] = False
    inner: Inner | None = None
    inners: list[Inner] = []
    free: dict[str, Any] = {}


def fault_of(value: Any, kind: Any = Sent, **more: Any) -> Fault:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert(value, kind, dec_hook=decode_moment)
    return fault(caught.value, kind, **more)


@pytest.mark.parametrize(
    ("value", "member", "sentence"),
    [
        ({"count": 1.5}, "count", "'count' must be an integer from 1 to 5."),
        ({"count": 6}, "count", "'count' must be an integer from 1 to 5."),
        ({"count": True}, "count", "'count' must be an integer from 1 to 5."),
        ({"count": None}, "count", "'count' must be an integer from 1 to 5."),
        ({"many": "1"}, "many", "'many' must be an integer."),
        ({"word": ""}, "word", "'word' must be a string of 1 to 3 characters."),
        ({"text": 1}, "text", "'text' must be a string."),
        ({"note": "abcd"}, "note", "'note' must be a string of at most 3 characters."),
        ({"key": "a b"}, "key", "'key' must be 1-48 visible ASCII characters, without spaces."),
        ({"choice": "A"}, "choice", "'choice' must be one of a, b, c; did you mean 'a'?"),
        ({"yes": 1}, "yes", "'yes' must be true or false."),
        (
            {"when": "2026-05-19T12:00:00"},
            "when",
            "'when' must have an offset from UTC, or Z, such as 2026-05-19T12:00:00Z.",
        ),
        ({"when": "yesterday"}, "when", "'when' must be a time such as 2026-05-19T12:00:00Z."),
        ({"when": 5}, "when", "'when' must be a string with a time such as 2026-05-19T12:00:00Z."),
        ({"either": 5}, "either", "'either' must be true or false or a string of 1 to 9 characters."),
        ({"inner": []}, "inner", "'inner' must be an object."),
        ({"inner": {}}, "inner.name", "'inner.name' is missing."),
        (
            {"inner": {"name": "a b"}},
            "inner.name",
            "'inner.name' must be 1-128 characters of A-Z a-z 0-9 . _ : @ -.",
        ),
        ({"inner": {"name": "a", "nam": 1}}, "inner.nam", "There is no member 'inner.nam'; did you mean 'name'?"),
        ({"inners": 5}, "inners", "'inners' must be an array."),
        ({"inners": [{}]}, "inners[0].name", "'inners[0].name' is missing."),
        ({"free": 5}, "free", "'free' must be an object."),
        ({"cuont": 1}, "cuont", "There is no member 'cuont'; did you mean 'count'?"),
        ({"`'": 1}, "`'", "There is no member '`''."),
        ([], "", "The body must be an object."),
        (None, "", "The body must be an object."),
    ],
)
def test_a_sentence_names_the_member_and_its_range(value: Any, member: str, sentence: str) -> None:
    found = fault_of(value)
    assert (found.member, found.sentence) == (member, sentence)


def test_details_are_for_machines() -> None:
    assert fault_of({"count": 9}).details == {"minimum": 1, "maximum": 5}
    assert fault_of({"choice": 9}).details == {"allowed": ["a", "b", "c"]}
    assert fault_of({"word": 9}).details == {"minLength": 1, "maxLength": 3}


def test_within_something() -> None:
    assert fault_of({"count": 9}, within="data").sentence.startswith("'data.count' must be")
    assert fault_of([], within="data").sentence == "'data' must be an object."
    assert fault_of([], whole="An event").sentence == "An event must be an object."


OBJECTS = ("data", "metadata", "actions", "badges", "streak", "balances")


@pytest.mark.parametrize(
    "kind", [*payloads.PAYLOADS.values(), formats.CloudEvent, formats.GatewayEvent, formats.AwardEvent]
)
def test_sentences_do_not_show_the_parser(kind: Any) -> None:
    """Test every member of every event with a value of another type."""
    names = msgspec.structs.fields(kind)
    good = {each.encode_name: _good(each) for each in names if each.required}
    for each in names:
        sentence = fault_of(good | {each.encode_name: {"a": 1} if each.encode_name not in OBJECTS else 5}, kind)
        assert f"'{each.encode_name}" in sentence.sentence
        assert sentence.sentence.endswith(".")
        assert not {"`", "^", "$"} & set(sentence.sentence)


def _good(each: Any) -> Any:
    return {
        "points": 1,
        "amount": 1,
        "rank": 1,
        "total": 1,
        "properties": {"username": "a", "points": 1, "reason": "r"},
    }.get(each.encode_name, "x")


def test_a_similar_member_is_suggested() -> None:
    assert (
        unknown("member", "metdata", ["type", "metadata"]) == "There is no member 'metdata'; did you mean 'metadata'?"
    )
    assert unknown("member", "x" * 100, []) == f"There is no member '{'x' * 64}'."
