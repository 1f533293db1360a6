"""Reads of the boards' proof. They are strong, and share only key names with the reads of the writer."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import msgspec

from chalicelib.domain.boards.entry_proof import EntryRow
from chalicelib.domain.boards.index_proof import NodeRow
from chalicelib.store.boards import keys
from chalicelib.store.core.models import Item
from chalicelib.store.core.table import Table

# Counters and starts: the attributes of a node that are checked.
COUNTED = re.compile(r"[0-9A-F]{2}|100|T[0-9A-F]{2}")


class _BegunEntry(msgspec.Struct, array_like=True):
    short_subject: str
    version: int
    score: int
    reached_at: int
    level: int
    title: str
    public: str
    name: str
    private: bool
    hidden: bool
    on_board: bool


class _BegunNode(msgspec.Struct, array_like=True):
    adds: dict[str, int]
    sets: dict[str, int | None]


class _Begun(msgspec.Struct, array_like=True):
    seq: int
    entries: list[_BegunEntry]
    nodes: dict[str, _BegunNode]
    latest: int


@dataclass(frozen=True, slots=True)
class LogRow:
    """The progress of a shard's writer, and the content of its pending intent.

    `reach`: the highest number of an intent. `pending`: the number of an intent that is not done.
    """

    reach: int = 0
    frozen: int | None = None
    latest: int = -1
    entries: dict[str, EntryRow] = field(default_factory=dict)
    nodes: dict[str, _BegunNode] = field(default_factory=dict)
    pending: int | None = None

    def entry(self, subject: str, row: EntryRow | None) -> EntryRow | None:
        """Return the entry after all pending writes."""
        begun = self.entries.get(subject)
        return begun if begun and (row is None or row.seq < begun.seq) else row

    def node(self, name: str, row: NodeRow) -> NodeRow:
        """Return the node after all pending writes. `row`: an empty one if the node does not exist yet."""
        begun = self.nodes.get(name)
        if begun is None or row.seq >= self.reach:
            return row
        values = dict(row.values)
        for attribute, amount in begun.adds.items():
            values[attribute] = values.get(attribute, 0) + amount
        for attribute, value in begun.sets.items():
            values.pop(attribute, None)
            if value is not None:
                values[attribute] = value
        return NodeRow(self.reach, values)


def read_log_row(table: Table, shard: str) -> LogRow:
    item = table.get(keys.board_log(shard)) or {}
    frozen = int(item["frozen"]["N"]) if "frozen" in item else None
    if "intent" not in item:
        return LogRow(_number(item, "seq", 0), frozen, _number(item, "latest"))
    begun = msgspec.msgpack.decode(zlib.decompress(item["intent"]["B"]), type=_Begun)
    rows = [_begun_row(entry, begun.seq) for entry in begun.entries]
    entries = {row.subject: row for row in rows}
    return LogRow(begun.seq, frozen, begun.latest, entries, begun.nodes, begun.seq)


def all_logs(table: Table) -> Iterator[str]:
    """Yield every shard that has a log, in no order. It reads the whole table."""
    start: Item | None = None
    while True:
        page = table.scan_keys(keys.board_log("")[1], start)
        yield from (item["pk"]["S"].removeprefix(keys.board_log("")[0]) for item in page.items)
        start = page.next
        if start is None:
            return


def stream_rows(table: Table, board: str) -> Iterator[EntryRow]:
    """Yield every entry, tombstones too, with one page in memory at a time."""
    return map(_row, table.query_all(keys.board(board), prefix=keys.ENTRY))


def read_rows(table: Table, board: str, subjects: Sequence[str]) -> dict[str, EntryRow]:
    """Return the entries that exist, by subject."""
    found = table.get_many([keys.entry(board, subject) for subject in subjects])
    return {row.subject: row for row in map(_row, found.values())}


def stream_node_rows(table: Table, shard: str) -> Iterator[tuple[str, NodeRow]]:
    """Yield every node of a shard with its name, with one page in memory at a time."""
    return ((item["sk"]["S"], _node(item)) for item in table.query_all(keys.nodes(shard)))


def read_node_rows(table: Table, shard: str, names: Sequence[str]) -> dict[str, NodeRow]:
    """Return the nodes that exist, by name."""
    found = table.get_many([keys.node(shard, name) for name in names])
    return {name: _node(item) for (_, name), item in found.items()}


def list_range(table: Table, board: str, low: int, high: int) -> list[str]:
    """Return subjects with scores from `low` to `high`, by the ordering index, which lags."""
    between = (keys.order_score(high), keys.order_score(low) + "~")
    listed = table.query_all(board, index=True, between=between, attributes=("sk",))
    return [item["sk"]["S"].removeprefix(keys.ENTRY) for item in listed]


def _node(item: Item) -> NodeRow:
    values = {name: _number(item, name) for name in item if COUNTED.fullmatch(name)}
    return NodeRow(_number(item, "seq", 0), values)


def _row(item: Item) -> EntryRow:
    pk, subject = item["pk"]["S"], item["sk"]["S"].removeprefix(keys.ENTRY)
    score, reached_at = _number(item, "score"), _number(item, "reachedAt")
    listed = keys.board(item.get("board", {}).get("S", "")) == pk
    return EntryRow(
        subject=subject,
        version=_number(item, "v"),
        seq=_number(item, "q"),
        score=score,
        reached_at=reached_at,
        public=item.get("public", {}).get("S", ""),
        name=item.get("name", {}).get("S", ""),
        private=item.get("private", {}).get("BOOL", False),
        hidden=item.get("hidden", {}).get("BOOL", False),
        order=item.get("order", {}).get("S", "") if listed else "",
        due_order=keys.order(score, reached_at, subject),
        level=_number(item, "level"),
        title=item.get("title", {}).get("S", ""),
    )


def _begun_row(entry: _BegunEntry, seq: int) -> EntryRow:
    subject = keys.full_subject(entry.short_subject)
    order = keys.order(entry.score, entry.reached_at, subject)
    return EntryRow(
        subject=subject,
        version=entry.version,
        seq=seq,
        score=entry.score,
        reached_at=entry.reached_at,
        public=entry.public,
        name=entry.name,
        private=entry.private,
        hidden=entry.hidden,
        order=order if entry.on_board else "",
        due_order=order,
        level=entry.level,
        title=entry.title,
    )


def _number(item: Item, name: str, missing: int = -1) -> int:
    """Return a whole number, or `missing` if the attribute does not exist or has another type."""
    try:
        return int(item[name]["N"])
    except (KeyError, ValueError):
        return missing
