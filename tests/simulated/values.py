"""Attribute values in wire form (`{"N": "1"}`): checks, canonical numbers, sizes, order.

A stored item is a dict of name -> value that no code changes in place after it was stored: updates copy what they
touch, so older versions of an item stay readable for stale reads.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from decimal import Context, Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from .errors import AwsError, Invalid

Value = dict[str, Any]
Item = dict[str, Value]

MAX_ITEM_BYTES = 400 * 1024
MAX_DEPTH = 32
NUMBER_DIGITS = 38
TYPES = frozenset(("S", "N", "B", "BOOL", "NULL", "M", "L", "SS", "NS", "BS"))
_MAX_MAGNITUDE = Decimal("9.9999999999999999999999999999999999999E+125")
_MIN_MAGNITUDE = Decimal("1E-130")
_WIDE = Context(prec=400, traps=[InvalidOperation])
_PARAMETER = "One or more parameter values were invalid: "


@lru_cache(maxsize=65536)
def canonical(text: str) -> str:
    """Return a number as DynamoDB returns it: plain notation, no trailing zeros; Invalid if it has no such form."""
    if not text or text.strip() != text or "_" in text:
        raise Invalid(f"The parameter cannot be converted to a numeric value: {text}")
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise Invalid(f"The parameter cannot be converted to a numeric value: {text}") from None
    if not number.is_finite():
        raise Invalid(f"The parameter cannot be converted to a numeric value: {text}")
    return _canonical(number)


def _canonical(number: Decimal) -> str:
    if not number:
        return "0"
    digits = "".join(map(str, number.as_tuple().digits)).strip("0")
    if len(digits) > NUMBER_DIGITS:
        raise Invalid("Attempting to store more than 38 significant digits in a Number")
    magnitude = abs(number)
    if magnitude > _MAX_MAGNITUDE:
        raise Invalid("Number overflow. Attempting to store a number with magnitude larger than supported range")
    if magnitude < _MIN_MAGNITUDE:
        raise Invalid("Number underflow. Attempting to store a number with magnitude smaller than supported range")
    return format(number.normalize(_WIDE), "f")


def add_numbers(left: str, right: str, sign: int = 1) -> str:
    """Return left + sign * right, exactly; Invalid beyond 38 digits of precision."""
    if len(left) < 18 and len(right) < 18 and "." not in left and "." not in right:
        return str(int(left) + sign * int(right))
    total = _WIDE.add(Decimal(left), sign * Decimal(right))
    return _canonical(total)


@lru_cache(maxsize=65536)
def number_size(text: str) -> int:
    """Return the bytes of a canonical number: one per two digits (aligned at the point), one more, one for a minus."""
    if text == "0":
        return 1
    negative = text[0] == "-"
    whole, _, fraction = text.lstrip("-").partition(".")
    whole = "" if whole == "0" else whole
    digits = "0" * (len(whole) % 2) + whole + fraction + "0" * (len(fraction) % 2)
    pairs = [digits[i : i + 2] for i in range(0, len(digits), 2)]
    while pairs and pairs[-1] == "00":
        pairs.pop()
    start = next(i for i, pair in enumerate(pairs) if pair != "00")
    return len(pairs) - start + 1 + negative


def _text_size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _binary_size(text: str) -> int:
    try:
        return len(base64.b64decode(text, validate=True))
    except (binascii.Error, TypeError):
        raise AwsError("SerializationException", "Base64 encoded length is unexpected") from None


_ELEMENT_SIZES: dict[str, Callable[[str], int]] = {"SS": _text_size, "NS": number_size, "BS": _binary_size}


def check(value: Value, depth: int = 0) -> int:
    """Validate a value, make its numbers canonical in place, return its size in bytes."""
    if not isinstance(value, dict):
        raise AwsError("SerializationException", "Unexpected value type in payload")
    if len(value) != 1:
        if not value:
            raise Invalid("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
        raise Invalid(
            "Supplied AttributeValue has more than one datatypes set, "
            "must contain exactly one of the supported datatypes"
        )
    ((tag, content),) = value.items()
    if tag == "S":
        if not isinstance(content, str):
            raise AwsError("SerializationException", "STRING_VALUE expected")
        return len(content) if content.isascii() else _text_size(content)
    if tag == "N":
        if not isinstance(content, str):
            raise AwsError("SerializationException", "STRING_VALUE expected")
        value["N"] = content = canonical(content)
        return number_size(content)
    return _check_other(value, tag, content, depth)


def _check_other(value: Value, tag: str, content: Any, depth: int) -> int:
    if tag == "BOOL":
        return 1
    if tag == "NULL":
        if content is not True:
            raise Invalid(_PARAMETER + "Null attribute value types must have the value of true")
        return 1
    if tag == "B":
        return _binary_size(content)
    if tag in ("M", "L"):
        if depth >= MAX_DEPTH:
            raise Invalid("Nesting Levels have exceeded supported limits")
        if tag == "L":
            return 3 + sum(1 + check(element, depth + 1) for element in content)
        return 3 + sum(1 + _text_size(name) + check(v, depth + 1) for name, v in content.items())
    if tag in ("SS", "NS", "BS"):
        return _check_set(value, tag, content)
    raise Invalid("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")


def _check_set(value: Value, tag: str, content: list[str]) -> int:
    if not content:
        kind = {"SS": "string", "NS": "number", "BS": "binary"}[tag]
        raise Invalid(f"{_PARAMETER}An {kind} set  may not be empty")
    if tag == "NS":
        value["NS"] = content = [canonical(number) for number in content]
    if len(set(content)) != len(content):
        if tag == "NS":
            raise Invalid("Input collection contains duplicates")
        raise Invalid(f"{_PARAMETER}Input collection [{', '.join(content)}] contains duplicates.")
    return sum(map(_ELEMENT_SIZES[tag], content))


def size_of(value: Value) -> int:
    """Return the size of an already checked value."""
    ((tag, content),) = value.items()
    if tag == "S":
        return _text_size(content)
    if tag == "N":
        return number_size(content)
    if tag in ("BOOL", "NULL"):
        return 1
    if tag == "B":
        return _binary_size(content)
    if tag == "L":
        return 3 + sum(1 + size_of(element) for element in content)
    if tag == "M":
        return 3 + sum(1 + _text_size(name) + size_of(v) for name, v in content.items())
    return sum(map(_ELEMENT_SIZES[tag], content))


def item_size(item: Item) -> int:
    return sum(_text_size(name) + size_of(value) for name, value in item.items())


def check_item(item: Item) -> int:
    """Validate every attribute of an item to be stored and return its size."""
    size = 0
    for name, value in item.items():
        if not name:
            raise Invalid(f"{_PARAMETER}Empty attribute name")
        size += _text_size(name) + check(value)
    if size > MAX_ITEM_BYTES:
        raise Invalid("Item size has exceeded the maximum allowed size")
    return size


def ordered(value: Value) -> Any:
    """Return a key that compares like the value: str (code point order is UTF-8 order), Decimal or bytes."""
    ((tag, content),) = value.items()
    if tag == "N":
        return Decimal(content)
    return base64.b64decode(content) if tag == "B" else content


def equal(left: Value, right: Value) -> bool:
    ((tag, a),) = left.items()
    ((other, b),) = right.items()
    if tag != other:
        return False
    if tag in ("SS", "NS", "BS"):
        return len(a) == len(b) and set(a) == set(b)
    if tag == "L":
        return len(a) == len(b) and all(map(equal, a, b))
    if tag == "M":
        return a.keys() == b.keys() and all(equal(v, b[k]) for k, v in a.items())
    return bool(a == b)
