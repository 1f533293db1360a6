"""Entries of boards: a subject's score as the board knows it, and the details that a page shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from chalicelib.domain.boards.rank_index import Spot
from chalicelib.store.boards import keys as boards_keys
from chalicelib.store.boards.bulk import Wire, query_as
from chalicelib.store.boards.models import EntryItem
from chalicelib.store.core import keys as core_keys
from chalicelib.store.core.models import Item
from chalicelib.store.core.table import Page, Table, key_of, number, text
from chalicelib.store.core.writes import Update


class Entry(msgspec.Struct, array_like=True):
    """A subject on a board, or the tombstone of one who left: it keeps score and version, off the index.

    `seq`: the intent that wrote it.
    """

    subject: str
    version: int
    score: int
    reached_at: int
    level: int
    title: str
    public: str
    name: str = ""
    private: bool = False
    hidden: bool = False
    on_board: bool = False
    seq: int = 0

    @property
    def spot(self) -> tuple[int, int] | None:
        """Return (score, reached at) on the board, None off it."""
        return (self.score, self.reached_at) if self.on_board else None


def read_entries(table: Table, board: str, subjects: Sequence[str]) -> dict[str, Entry]:
    """Return the entries that exist, by subject. The read is strong."""
    items = table.get_many([boards_keys.entry(board, subject) for subject in subjects])
    return {entry.subject: entry for entry in map(entry_of, items.values())}


def read_entry(table: Table, board: str, subject: str) -> Entry | None:
    """Read one entry, eventually consistent."""
    item = table.get(boards_keys.entry(board, subject), strong=False)
    return entry_of(item) if item else None


def scan_entries(table: Table, board: str) -> Iterator[Entry]:
    """Yield all entries, tombstones too, with one page in memory at a time. The reads are strong."""
    return map(entry_of, table.query_all(boards_keys.board(board), prefix=boards_keys.ENTRY))


def entries_after(
    table: Table, board: str, place: core_keys.Key | None = None
) -> Iterator[tuple[list[str], core_keys.Key | None]]:
    """Yield the subjects of all entries, tombstones too, page by page.

    Each page comes with the place from which another call continues, None at the end.
    """
    start = key_of(place) if place else None
    while True:
        page = table.query(boards_keys.board(board), prefix=boards_keys.ENTRY, start=start, attributes=("sk",))
        start = page.next
        following = (start["pk"]["S"], start["sk"]["S"]) if start else None
        yield [item["sk"]["S"].removeprefix(boards_keys.ENTRY) for item in page.items], following
        if start is None:
            return


class _SpotRow(msgspec.Struct):
    sk: Wire
    score: Wire = Wire()
    reached_at: Wire = msgspec.field(default=Wire(), name="reachedAt")
    q: Wire = Wire()
    order: Wire = Wire()


def read_spots(table: Table, board: str, after: str, limit: int) -> tuple[list[tuple[str, Spot | None, int]], bool]:
    """Return (subject, spot, seq) of a page of entries, in order of subjects, and whether there may be more.

    The page begins after the subject `after`. The read is strong.
    """
    following = key_of(boards_keys.entry(board, after)) if after else None
    rows, last = query_as(
        table,
        _SpotRow,
        boards_keys.board(board),
        following,
        prefix=boards_keys.ENTRY,
        limit=limit,
        attributes=("sk", "score", "reachedAt", "q", "order"),
    )
    cut = len(boards_keys.ENTRY)
    return [(row.sk.S[cut:], _spot(row) if row.order.S else None, int(row.q.N or 0)) for row in rows], last is not None


def _spot(row: _SpotRow) -> Spot:
    if not row.score.N:
        return boards_keys.spot_of(row.order.S)
    return int(row.score.N), int(row.reached_at.N or 0)


def listed_entries(
    table: Table, board: str, between: tuple[str, str] | None, limit: int, *, worst_first: bool = False
) -> list[Entry]:
    """Return up to `limit` entries in board order by the ordering index, within a range of orders if one is given."""
    found: list[Item] = []
    following: Item | None = None
    while len(found) < limit:
        page: Page = table.query(
            board,
            index=True,
            between=between,
            limit=limit - len(found),
            start=following,
            newest_first=worst_first,
        )
        found += page.items
        following = page.next
        if following is None:
            break
    return [entry_of(item) for item in found]


def entry_of(item: Item) -> Entry:
    """Return the entry of an item of the table or the index. The index has score and time in the order, no version."""
    row = EntryItem.from_raw_data(item)
    score, reached_at = int(row.score or 0), int(row.reached_at or 0)
    if row.score is None and row.order:
        score, reached_at = boards_keys.spot_of(row.order)
    return Entry(
        subject=row.sk.removeprefix(boards_keys.ENTRY),
        version=int(row.version or 0),
        score=score,
        reached_at=reached_at,
        level=int(row.level),
        title=row.title,
        public=row.public,
        name=row.name or "",
        private=bool(row.private),
        hidden=bool(row.hidden),
        on_board=row.order is not None,
        seq=int(row.seq or 0),
    )


def entry_update(board: str, entry: Entry, seq: int, expires: int | None = None) -> Update:
    """Return the update of an entry by intent `seq`. It fails if the entry has this intent's number, or a later one.

    A subject off the board has no index keys.
    """
    shown = entry.on_board
    values: dict[str, Any] = {
        "v": number(entry.version),
        "q": number(seq),
        "score": number(entry.score),
        "reachedAt": number(entry.reached_at),
        "public": text(entry.public),
        "name": text(entry.name) if entry.name else None,
        "private": {"BOOL": True} if entry.private else None,
        "hidden": {"BOOL": True} if entry.hidden else None,
        "level": number(entry.level),
        "title": text(entry.title),
        "board": text(board) if shown else None,
        "order": text(boards_keys.order(entry.score, entry.reached_at, entry.subject)) if shown else None,
        "expires": number(expires) if expires is not None else None,
    }
    kept = {name: value for name, value in values.items() if value is not None}
    gone = [name for name, value in values.items() if value is None]
    expression = "SET " + ", ".join(f"#{name} = :{name}" for name in kept)
    if gone:
        expression += " REMOVE " + ", ".join(f"#{name}" for name in gone)
    return Update(
        boards_keys.entry(board, entry.subject),
        expression,
        "attribute_not_exists(#q) OR #q < :q",
        {f"#{name}": name for name in values},
        {f":{name}": value for name, value in kept.items()},
    )
