"""Tells live items from expired ones."""

from __future__ import annotations


def is_live(expires: int, now_ms: int) -> bool:
    """Whether an item still counts: the clock decides, not whether the table has collected it yet."""
    return expires * 1000 > now_ms
