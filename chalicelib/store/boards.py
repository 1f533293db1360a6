"""Entries of boards: written as states, read in order by the ordering index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chalicelib.domain.boards import BoardUpdate
from chalicelib.domain.periods import DAY_MS, number_of
from chalicelib.store import keys
from chalicelib.store.models import EntryItem, Item
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
        "expires": number(_expiry(board, keep_days)) if keep_days else None,
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


def top_entries(table: Table, board: str, limit: int) -> list[EntryItem]:
    """The first `limit` entries in board order."""
    items: list[Item] = []
    start: Item | None = None
    while len(items) < limit:
        page = table.query(keys.board(board), index=True, limit=limit - len(items), start=start)
        items += page.items
        start = page.next
        if start is None:
            break
    return [EntryItem.from_raw_data(item) for item in items]


def count_entries(table: Table, board: str) -> int:
    """How many players are on the board."""
    return sum(1 for _ in table.query_all(keys.board(board), index=True, counts=True))


def read_entries(table: Table, board: str) -> Sequence[Item]:
    """All entries, those off the index too, strongly read."""
    return list(table.query_all(keys.board(board), prefix="ENTRY#"))


def _expiry(board: str, keep_days: int) -> int:
    """Epoch seconds after which a daily board may go."""
    from datetime import date

    period = board.partition("#")[2]
    return (number_of(date.fromisoformat(period)) + 1 + keep_days) * DAY_MS // 1000
