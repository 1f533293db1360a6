"""Entries of boards, written as states; `board_pages` reads them."""

from __future__ import annotations

from typing import Any

from chalicelib.domain.boards import BoardUpdate, kept_until_ms
from chalicelib.store import keys
from chalicelib.store.table import ConditionFailed, Table, number, text, update_of


def write_entry(table: Table, board: str, update: BoardUpdate, *, keep_days: int | None = None) -> bool:
    """Make the entry say "score S at version V" unless it knows better; False if it did.

    A score of 0, or a hidden player, leaves the board: the item and its version stay, without index keys.
    """
    on_board = update.score > 0 and not update.hidden
    values: dict[str, Any] = {
        "score": number(update.score),
        "reachedAt": number(update.reached_at),
        "player": text(update.player),
        "public": text(update.public_id),
        "name": text(update.name) if update.name else None,
        "private": {"BOOL": True} if update.private else None,
        "level": number(update.level),
        "title": text(update.title),
        "board": text(keys.board(board)) if on_board else None,
        "order": text(keys.order(update.score, update.reached_at, update.player)) if on_board else None,
        "expires": number(kept_until_ms(board.partition("#")[2], keep_days) // 1000) if keep_days else None,
    }
    kept = {name: value for name, value in values.items() if value is not None}
    gone = [name for name, value in values.items() if value is None]
    expression = "SET v = :v, " + ", ".join(f"#{name} = :{name}" for name in kept)
    if gone:
        expression += " REMOVE " + ", ".join(f"#{name}" for name in gone)
    request = update_of(
        table.name,
        keys.entry(board, update.player),
        expression,
        "attribute_not_exists(v) OR v < :v",
        {f"#{name}": name for name in values},
        {":v": number(update.version)} | {f":{name}": value for name, value in kept.items()},
    )
    try:
        table.update(request)
    except ConditionFailed:
        return False
    return True
