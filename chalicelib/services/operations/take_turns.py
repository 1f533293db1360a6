"""Let one run of a scheduled function work at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from chalicelib.domain.core.errors import LostRace
from chalicelib.services.context import Context
from chalicelib.store.core.table import Unknown
from chalicelib.store.operations.turns import end_turn, take_turn


@contextmanager
def turn(context: Context, function: str, ends_ms: int) -> Iterator[bool]:
    """Take the turn of a function and end it afterwards. Yield whether it is this run's; else another run is under way.

    `ends_ms`: when this run's process ends at the latest. Then the next run may begin, also after a crash.
    """
    by = context.new_id()
    try:
        take_turn(context.table, function, by, context.now_ms(), ends_ms)
    except LostRace:
        yield False
        return
    except Unknown:
        # The turn may be taken: then the next run must not wait for it.
        end_turn(context.table, function, by)
        raise
    try:
        yield True
    finally:
        end_turn(context.table, function, by)
