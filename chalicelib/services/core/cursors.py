"""Cursors: the end of a page of a list, as opaque text that callers send back for the next page."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode

from chalicelib.domain.core.errors import InvalidRequest


def cursor_of(*parts: str | int) -> str:
    """Encode the parts as one cursor. Only the last part may contain a dot."""
    return urlsafe_b64encode(".".join(str(part) for part in parts).encode()).decode().rstrip("=")


def parts_of(cursor: str, shape: re.Pattern[str]) -> tuple[str, ...]:
    """Decode a cursor; return the groups of `shape`. Raises InvalidRequest for a cursor that no answer returned."""
    try:
        text = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    except ValueError:
        text = ""
    found = shape.fullmatch(text)
    if not found:
        raise unknown_cursor()
    return found.groups()


def unknown_cursor() -> InvalidRequest:
    return InvalidRequest("'cursor' must be the 'cursor' of an earlier response.", parameter="cursor")
