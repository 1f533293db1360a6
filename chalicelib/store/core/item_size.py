"""Item sizes by DynamoDB's rules: names and text as UTF-8, half a byte per digit, 3 bytes more per container."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

from chalicelib.store.core.models import Item


def item_size(item: Item) -> int:
    """Return the bytes that an item counts for."""
    return sum(len(name.encode()) + value_size(value) for name, value in item.items())


def value_size(value: dict[str, Any]) -> int:
    """Return the bytes of one attribute value."""
    ((kind, content),) = value.items()
    if kind == "S":
        return len(content.encode())
    if kind == "N":
        return _number_size(content)
    if kind == "B":
        return len(content if isinstance(content, bytes) else b64decode(content))
    if kind in ("BOOL", "NULL"):
        return 1
    if kind == "M":
        return 3 + sum(1 + len(name.encode()) + value_size(each) for name, each in content.items())
    if kind == "L":
        return 3 + sum(1 + value_size(each) for each in content)
    return sum(value_size({kind[0]: each}) for each in content)


def _number_size(digits: str) -> int:
    significant = digits.lstrip("-").replace(".", "").strip("0")
    return (len(significant) + 1) // 2 + 1 + digits.startswith("-")
