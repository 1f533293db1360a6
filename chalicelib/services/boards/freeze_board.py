"""Freeze a board. The order is in its writer's queue, so that it does not race with score updates."""

from __future__ import annotations

from chalicelib.domain.core.errors import LostRace
from chalicelib.services.boards.writer import MAX_ROUNDS, expiry, settle
from chalicelib.services.context import Context
from chalicelib.store.boards.redo_log import freeze
from chalicelib.store.core.table import Busy


def freeze_board(context: Context, board: str, shard: str) -> bool:
    """Freeze a shard after completing its pending intent. Return whether it was open before. Raises StoreError."""
    for _ in context.retry.tries(MAX_ROUNDS):
        log = settle(context, board, shard)
        if log.frozen is not None:
            return False
        try:
            freeze(context.table, shard, log, context.now_ms(), expiry(context, board))
        except LostRace:
            continue
        return True
    raise Busy(f"{shard}: other writers were first {MAX_ROUNDS} times")
