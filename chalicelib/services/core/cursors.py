"""Cursors: where a page of a list ends, as text that callers hand back and need not understand."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode

from chalicelib.domain.core.errors import InvalidRequest


def cursor_of(*parts: str | int) -> str:
    """The parts as one text; none of them holds a dot, but the last may."""
    return urlsafe_b64encode(".".join(str(part) for part in parts).encode()).decode().rstrip("=")


def parts_of(cursor: str, shape: re.Pattern[str]) -> tuple[str, ...]:
    """The groups of what a cursor says. Raises InvalidRequest for one that no answer gave."""
    try:
        text = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    except ValueError:
        text = ""
    found = shape.fullmatch(text)
    if not found:
        raise unknown_cursor()
    return found.groups()


def unknown_cursor() -> InvalidRequest:
    return InvalidRequest("'cursor' must be one that an answer gave.", parameter="cursor")
