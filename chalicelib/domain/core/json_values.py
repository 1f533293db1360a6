"""Decoded JSON: its depth, and its numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

MAX_DEPTH = 20
# Above this a double does not represent every integer.
MAX_EXACT = 2**53
# Some editors and libraries write it at the start of a text; it is not part of JSON.
BYTE_ORDER_MARK = "\ufeff"
_MAY_HOLD_FLOATS = (float, dict, list)


def whole_numbers(value: Any) -> Any:
    """Return decoded JSON with integers in place of floats such as 250.0, which JSON Schema accepts as integers."""
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) <= MAX_EXACT else value
    if isinstance(value, dict):
        return {name: whole_numbers(each) if type(each) in _MAY_HOLD_FLOATS else each for name, each in value.items()}
    if isinstance(value, list):
        return [whole_numbers(each) if type(each) in _MAY_HOLD_FLOATS else each for each in value]
    return value


def too_deep(value: Any, limit: int = MAX_DEPTH) -> bool:
    """Return whether containers nest deeper than `limit`."""
    if not isinstance(value, dict | list):
        return False
    if limit == 0:
        return True
    parts: Iterator[Any] = iter(value.values() if isinstance(value, dict) else value)
    return any(too_deep(part, limit - 1) for part in parts)
