"""Pages of a board by the ordering index, with the rank of their first entry."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.store import keys
from chalicelib.store.models import EntryItem, Item
from chalicelib.store.table import Table


@dataclass(frozen=True, slots=True)
class BoardPage:
    """Entries in board order. `first_rank`: the competition rank of the first one. `total`: players on the board."""

    entries: list[EntryItem]
    first_rank: int
    total: int


def board_page(table: Table, board: str, offset: int, limit: int) -> BoardPage:
    """The entries from `offset` (0: the best) on.

    The index counts what it skips: the cost grows with the offset and with the board.
    """
    total = _count(table, board)
    if offset >= total:
        return BoardPage([], 0, total)
    start = _skip(table, board, offset) if offset else None
    items: list[Item] = []
    following = start
    while len(items) < limit:
        page = table.query(keys.board(board), index=True, limit=limit - len(items), start=following)
        items += page.items
        following = page.next
        if following is None:
            break
    if not items or (offset and start is None):
        return BoardPage([], 0, total)
    entries = [EntryItem.from_raw_data(item) for item in items]
    rank = offset + 1
    if start is not None and _order_score(start) == _order_score(items[0]):
        # The page begins inside a tie: its rank is that of the tie's first, however far back.
        rank = min(rank, _count(table, board, keys.order_above(int(entries[0].score))) + 1)
    return BoardPage(entries, rank, total)


def _skip(table: Table, board: str, offset: int) -> Item | None:
    """The place after `offset` entries; None if there are not that many."""
    start: Item | None = None
    left = offset
    while left:
        page = table.query(keys.board(board), index=True, limit=left, start=start, counts=True)
        left -= len(page.items)
        start = page.next
        if start is None:
            return None
    return start


def _count(table: Table, board: str, between: tuple[str, str] | None = None) -> int:
    return sum(1 for _ in table.query_all(keys.board(board), index=True, counts=True, between=between))


def _order_score(item: Item) -> str:
    return str(item["order"]["S"].partition("#")[0])
