"""Conditions, updates and projections: what holds, what results, what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulated import AwsError
from tests.simulated.conditions import Condition
from tests.simulated.expressions import Binding, Projection
from tests.simulated.updates import Update
from tests.simulated.values import Item, canonical

ITEM: Item = {
    "pk": {"S": "p"},
    "n": {"N": "5"},
    "word": {"S": "héllo"},
    "astral": {"S": "x😀"},
    "numbers": {"L": [{"N": "1"}, {"M": {"deep": {"S": "yes"}}}]},
    "ss": {"SS": ["a", "b"]},
    "m": {"M": {"a": {"N": "1"}, "b": {"BOOL": True}}},
    "lit": {"BOOL": True},
    "nothing": {"NULL": True},
}


def n(value: Any) -> dict[str, str]:
    return {"N": str(value)}


def s(value: str) -> dict[str, str]:
    return {"S": value}


def bind(names: dict[str, str] | None = None, **values: Any) -> Binding:
    request: dict[str, Any] = {}
    if names:
        request["ExpressionAttributeNames"] = names
    if values:
        request["ExpressionAttributeValues"] = {f":{name}": value for name, value in values.items()}
    return Binding(request)


def holds(text: str, names: dict[str, str] | None = None, **values: Any) -> bool:
    binding = bind(names, **values)
    condition = Condition(text, "ConditionExpression", binding)
    binding.finish()
    return condition.test(ITEM)


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("n = :v", {"v": n(5)}, True),
        ("n = :v", {"v": n("5.00")}, True),
        ("n = :v", {"v": s("5")}, False),
        ("n <> :v", {"v": s("5")}, True),
        ("absent = :v", {"v": n(1)}, False),
        ("absent <> :v", {"v": n(1)}, True),
        ("NOT absent = :v", {"v": n(1)}, True),
        ("n < :v", {"v": n(10)}, True),
        ("n >= :v", {"v": n(5)}, True),
        ("word > :v", {"v": s("hz")}, True),
        ("lit < n", {}, False),
        ("n BETWEEN :a AND :b", {"a": n(5), "b": n(6)}, True),
        ("n IN (:a, :b)", {"a": n(1), "b": n(5)}, True),
        ("attribute_exists(m.a)", {}, True),
        ("attribute_exists(numbers[2])", {}, False),
        ("attribute_not_exists(m.c)", {}, True),
        ("attribute_type(nothing, :t)", {"t": s("NULL")}, True),
        ("begins_with(word, :v)", {"v": s("hé")}, True),
        ("begins_with(n, :v)", {"v": s("5")}, False),
        ("contains(word, :v)", {"v": s("llo")}, True),
        ("contains(ss, :v)", {"v": s("b")}, True),
        ("contains(numbers, :v)", {"v": n(1)}, True),
        ("contains(ss, :v)", {"v": n(1)}, False),
        ("size(word) = :v", {"v": n(5)}, True),
        ("size(astral) = :v", {"v": n(3)}, True),
        ("size(m) = :v", {"v": n(2)}, True),
        ("size(n) = :v", {"v": n(1)}, False),
        ("numbers[1].deep = :v", {"v": s("yes")}, True),
        ("n = :v OR n = :w AND lit = :w", {"v": n(5), "w": n(6)}, True),
        ("(n = :v OR n = :w) AND lit = :w", {"v": n(5), "w": n(6)}, False),
        ("not n = :v and attribute_exists(pk)", {"v": n(6)}, True),
        ("m = :v", {"v": {"M": {"b": {"BOOL": True}, "a": n(1)}}}, True),
        ("ss = :v", {"v": {"SS": ["b", "a"]}}, True),
        (":v = :v", {"v": n(1)}, True),
        ("size(:v) = n", {"v": s("abcde")}, True),
    ],
)
def test_condition(text: str, values: dict[str, Any], expected: bool) -> None:
    assert holds(text, **values) is expected


@pytest.mark.parametrize(
    ("text", "values", "reason"),
    [
        ("", {}, "can not be empty"),
        ("n = ", {}, "Syntax error"),
        ("n == :v", {"v": n(1)}, "Syntax error"),
        ("_n = :v", {"v": n(1)}, "Syntax error"),
        ("n IN ()", {}, "Syntax error"),
        ("status = :v", {"v": n(1)}, "reserved keyword"),
        ("#n = :v", {"v": n(1)}, "name used in the document path is not defined"),
        ("n = :w", {"v": n(1)}, "value used in expression is not defined"),
        ("n = :v", {"v": n(1), "w": n(1)}, "unused in expressions"),
        ("n = n", {}, "must be distinct"),
        ("((n = :v))", {"v": n(1)}, "redundant parentheses"),
        ("n < :v", {"v": {"BOOL": True}}, "Incorrect operand type"),
        ("begins_with(word, :v)", {"v": n(1)}, "Incorrect operand type"),
        ("attribute_type(n, :v)", {"v": s("X")}, "Invalid attribute type"),
        ("n BETWEEN :a AND :b", {"a": n(6), "b": n(1)}, "upper bound"),
        ("n BETWEEN :a AND :b", {"a": n(6), "b": s("x")}, "same data type"),
        ("ATTRIBUTE_EXISTS(n)", {}, "Invalid function name"),
        ("attribute_exists(n, m)", {}, "number of operands"),
        ("attribute_exists(:v)", {"v": n(1)}, "requires a document path"),
        ("n = :v" + " OR n = :v" * 500, {"v": n(1)}, "Expression size"),
    ],
)
def test_refused_condition(text: str, values: dict[str, Any], reason: str) -> None:
    with pytest.raises(AwsError, match=reason) as refused:
        holds(text, **values)
    assert refused.value.code == "ValidationException"


def updated(text: str, item: Item | None = None, names: dict[str, str] | None = None, **values: Any) -> Item:
    binding = bind(names, **values)
    update = Update(text, binding, ("pk",))
    binding.finish()
    return update.apply(ITEM if item is None else item)


@pytest.mark.parametrize(
    ("text", "values", "path", "expected"),
    [
        ("SET n = n + :v", {"v": n("0.5")}, "n", n("5.5")),
        ("SET n = :v - n", {"v": n(1)}, "n", n(-4)),
        ("SET x = if_not_exists(x, :z) + :v", {"z": n(0), "v": n(2)}, "x", n(2)),
        ("SET x = n, n = :v", {"v": n(9)}, "x", n(5)),
        ("SET m.a = :v", {"v": s("new")}, "m", {"M": {"a": s("new"), "b": {"BOOL": True}}}),
        ("SET numbers[9] = :v", {"v": n(3)}, "numbers", {"L": [*ITEM["numbers"]["L"], n(3)]}),
        (
            "SET numbers = list_append(:v, numbers)",
            {"v": {"L": [n(0)]}},
            "numbers",
            {"L": [n(0), *ITEM["numbers"]["L"]]},
        ),
        ("REMOVE numbers[0], numbers[1]", {}, "numbers", {"L": []}),
        ("REMOVE absent, m.b", {}, "m", {"M": {"a": n(1)}}),
        ("ADD n :v", {"v": n(-5)}, "n", n(0)),
        ("ADD fresh :v", {"v": n(7)}, "fresh", n(7)),
        ("ADD ss :v", {"v": {"SS": ["c", "a"]}}, "ss", {"SS": ["a", "b", "c"]}),
        ("DELETE ss :v", {"v": {"SS": ["a", "zz"]}}, "ss", {"SS": ["b"]}),
        ("DELETE ss :v", {"v": {"SS": ["a", "b"]}}, "ss", None),
        ("set n = :v remove m", {"v": n(1)}, "m", None),
    ],
)
def test_update(text: str, values: dict[str, Any], path: str, expected: Any) -> None:
    before = str(ITEM)
    assert updated(text, **values).get(path) == expected
    assert str(ITEM) == before, "an update must not touch the version it started from"


@pytest.mark.parametrize(
    ("text", "values", "reason"),
    [
        ("SET a = :v, a = :v", {"v": n(1)}, "overlap"),
        ("SET a = :v REMOVE a.b", {"v": n(1)}, "overlap"),
        ("SET a.b = :v, a[0] = :v", {"v": n(1)}, "conflict"),
        ("SET a = :v SET b = :v", {"v": n(1)}, "can only be used once"),
        ("SET pk = :v", {"v": s("x")}, "part of the key"),
        ("SET a = absent", {}, "does not exist in the item"),
        ("SET a = word + :v", {"v": n(1)}, "incorrect data type"),
        ("SET a = n + :v", {"v": s("1")}, "Incorrect operand type"),
        ("SET absent.b = :v", {"v": n(1)}, "document path"),
        ("SET n.b = :v", {"v": n(1)}, "document path"),
        ("SET m[0] = :v", {"v": n(1)}, "document path"),
        ("ADD word :v", {"v": n(1)}, "incorrect data type"),
        ("ADD n :v", {"v": s("1")}, "Incorrect operand type"),
        ("DELETE n :v", {"v": {"NS": ["1"]}}, "incorrect data type"),
        ("SET a = size(n)", {}, "Invalid function name"),
        ("SET a = :v,", {"v": n(1)}, "Syntax error"),
    ],
)
def test_refused_update(text: str, values: dict[str, Any], reason: str) -> None:
    with pytest.raises(AwsError, match=reason):
        updated(text, **values)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("n, absent", {"n": n(5)}),
        ("m.a", {"m": {"M": {"a": n(1)}}}),
        ("numbers[1].deep, ss", {"numbers": {"L": [{"M": {"deep": s("yes")}}]}, "ss": ITEM["ss"]}),
        ("m.absent", {}),
    ],
)
def test_projection(text: str, expected: Item) -> None:
    assert Projection(text, bind()).take(ITEM) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.50", "1.5"),
        ("-0", "0"),
        ("+5", "5"),
        ("1e3", "1000"),
        ("0.0000001", "0.0000001"),
        ("12345678901234567890123456789012345678", "12345678901234567890123456789012345678"),
        ("1E-130", "0." + "0" * 129 + "1"),
    ],
)
def test_number(text: str, expected: str) -> None:
    assert canonical(text) == expected


@pytest.mark.parametrize("text", ["", "abc", " 1", "1_0", "NaN", "Infinity", "1E126", "1E-131", "1" * 39])
def test_refused_number(text: str) -> None:
    with pytest.raises(AwsError):
        canonical(text)


def test_sum_keeps_all_digits() -> None:
    total = updated("SET n = n + :v", {"n": n("0.00000000000000000001")}, v=n("12345678901234567"))
    assert total["n"] == n("12345678901234567.00000000000000000001")
    with pytest.raises(AwsError, match="38 significant digits"):
        updated("SET n = n + :v", {"n": n("0.0000000000000000000000001")}, v=n("12345678901234567"))
