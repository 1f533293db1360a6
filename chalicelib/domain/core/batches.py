"""Batches: what one call, message or write takes at most."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield the items in lists of `size`; the last one may be shorter. Raises ValueError for a size below 1.

    Python 3.12 has it in itertools, as tuples.
    """
    if size < 1:
        raise ValueError("a batch holds one item or more")
    remaining = iter(items)
    while batch := list(islice(remaining, size)):
        yield batch
