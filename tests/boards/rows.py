"""Entries and nodes as they lie in the table, read without Laurel's code."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tests.boards.naive import Counts, Spot

Item = dict[str, Any]

_NO_COUNTERS = ("pk", "sk", "seq", "expires")


def spots_of(entries: Iterable[Item]) -> dict[str, Spot]:
    """Return the subjects on the board by the index keys of the entries."""
    return {
        item["sk"]["S"].removeprefix("ENTRY#"): (int(item["score"]["N"]), int(item["reachedAt"]["N"]))
        for item in entries
        if "order" in item
    }


def nodes_of(items: Iterable[Item]) -> tuple[Counts, Counts]:
    """Return counters and starts of nodes: attributes of two capital hex digits or three, and T with two."""
    counts: Counts = {}
    starts: Counts = {}
    for item in items:
        for name, value in item.items():
            if name not in _NO_COUNTERS:
                into = starts if name.startswith("T") else counts
                into.setdefault(item["sk"]["S"], {})[int(name.removeprefix("T"), 16)] = int(value["N"])
    return counts, starts
