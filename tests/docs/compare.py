"""Comparison of a page's text with output and responses."""

from __future__ import annotations

import re
from typing import Any

# Generated values: ids, codes, tokens, keys, moments, masked names, digests. The page's value stands for the real one
# from then on.
GENERATED = (
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|laurel_[0-9a-f]{8}_[0-9a-f]{32}"
    r"|\d{4}-\d\d-\d\dT[\d:.]+Z|[0-9a-f]{64}|[0-9a-f]{37}|[0-9a-f]{32}|[0-9a-f]{16}|[A-Z2-9]{4}-[A-Z2-9]{4,5}"
    r"|(?<![\w-])[A-Za-z0-9_-]{43}(?![\w-])|User\*{3}\d{4}|(?<=-)[0-9a-f]{12}(?![0-9a-f])"
)
WHOLE = re.compile(GENERATED)
NUMBER = re.compile(r"\d[\d,.]*")


class Known:
    """The values of a page that stand for generated ones."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    def put_into(self, text: str) -> str:
        """Replace the page's values by the real ones."""
        for shown, real in self.values.items():
            text = text.replace(shown, real)
        return text

    def same_text(self, shown: str, real: str) -> bool:
        """Return whether two texts are equal but for generated values; learn these."""
        pieces = re.split(f"({GENERATED})", shown)
        pattern = "".join(f"({GENERATED})" if place % 2 else re.escape(piece) for place, piece in enumerate(pieces))
        found = re.fullmatch(pattern, real)
        return bool(found) and all(map(self._same_value, pieces[1::2], found.groups() if found else ()))

    def same_json(self, shown: Any, real: Any) -> bool:
        """Return whether two values of JSON are equal but for generated values; members have the same order."""
        if isinstance(shown, dict) and isinstance(real, dict):
            return list(shown) == list(real) and all(self.same_json(shown[name], real[name]) for name in shown)
        if isinstance(shown, list) and isinstance(real, list):
            return len(shown) == len(real) and all(self.same_json(*pair) for pair in zip(shown, real, strict=True))
        if isinstance(shown, str) and isinstance(real, str):
            return self._same_value(shown, real)
        return bool(shown == real and type(shown) is type(real))

    def _same_value(self, shown: str, real: str) -> bool:
        if WHOLE.fullmatch(shown) and WHOLE.fullmatch(real):
            return self.values.setdefault(shown, real) == real or shown.endswith("Z")
        return shown == real


def without_numbers(text: str) -> list[str]:
    """Replace every number in the lines, and drop spaces that align columns."""
    return [" ".join(NUMBER.sub("#", line).split()) for line in text.splitlines()]


def same_shape(shown: Any, real: Any) -> bool:
    """Return whether two values of JSON have equal names, types and texts, apart from numbers and generated values.

    The list `["..."]` stands for any list.
    """
    if isinstance(shown, dict) and isinstance(real, dict):
        return list(shown) == list(real) and all(same_shape(shown[name], real[name]) for name in shown)
    if isinstance(shown, list) and isinstance(real, list):
        alike = len(shown) == len(real) and all(same_shape(*pair) for pair in zip(shown, real, strict=True))
        return shown == ["..."] or alike
    if isinstance(shown, str) and isinstance(real, str):
        return without_numbers(WHOLE.sub("#", shown)) == without_numbers(WHOLE.sub("#", real))
    if isinstance(shown, int) and not isinstance(shown, bool):
        return type(real) is int
    return bool(shown is real)
