"""Reading and writing until it is certain how it ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from chalicelib.domain.errors import Conflict
from chalicelib.services.context import Context
from chalicelib.services.idempotent import LONGEST_PAUSE, MAX_TRIES
from chalicelib.store.table import StoreError

T = TypeVar("T")


def settle(context: Context, attempt: Callable[[], T]) -> T:
    """What `attempt` returns once it comes to an end; after a lost race, and after a lost answer, it is asked again.

    An attempt reads strongly, and knows its own earlier write when it sees it. Raises what the last one raised, after
    twelve, and whatever is neither Conflict nor StoreError at once.
    """
    for number in range(MAX_TRIES - 1):
        try:
            return attempt()
        except (Conflict, StoreError):
            context.pause(min(number, LONGEST_PAUSE))
    return attempt()
