"""Distinguishes live items from expired ones."""

from __future__ import annotations


def is_live(expires: int, now_ms: int) -> bool:
    """Return whether an item is live by the clock, whether or not TTL has deleted it yet."""
    return expires * 1000 > now_ms
