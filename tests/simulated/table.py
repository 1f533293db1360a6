"""One table: rows, the primary order, indexes, and the older versions that a stale read may still see."""

from __future__ import annotations

import zlib
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

from .capacity import write_units
from .errors import Invalid, KeyInvalid
from .values import Item, equal, item_size, ordered, size_of

Key = tuple[Any, Any]  # ordered hash and range key ("" where there is no range key)
Row = tuple[Item, int]  # an item and its size in bytes
Entry = tuple[Any, int, Key]  # range key of an index, order among equals (undocumented), key of the row

MAX_HASH_BYTES = 2048
MAX_RANGE_BYTES = 1024


class Index:
    """Rows in the order of one hash and range key. The table's own order is an Index too (`name` None)."""

    def __init__(self, name: str | None, schema: list[dict[str, str]], projection: dict[str, Any]) -> None:
        self.name = name
        keys = {part["KeyType"]: part["AttributeName"] for part in schema}
        self.hash, self.range = keys["HASH"], keys.get("RANGE")
        self.keys = tuple(k for k in (self.hash, self.range) if k)
        self.all = projection.get("ProjectionType", "ALL") == "ALL"
        self.names: frozenset[str] = frozenset(projection.get("NonKeyAttributes", ()))
        self.partitions: dict[Any, list[Entry]] = {}

    def place(self, item: Item) -> tuple[Any, Any] | None:
        """Return the place of an item in this order; None if it lacks one of the keys."""
        if self.hash not in item:
            return None
        if self.range is None:
            return ordered(item[self.hash]), ""
        return (ordered(item[self.hash]), ordered(item[self.range])) if self.range in item else None

    def project(self, item: Item) -> Item:
        return item if self.all else {name: value for name, value in item.items() if name in self.names}

    def entry_size(self, row: Row) -> int:
        if self.all:
            return row[1]
        return sum(len(n.encode()) + size_of(v) for n, v in row[0].items() if n in self.names)

    def entry(self, place: tuple[Any, Any], key: Key) -> Entry:
        return place[1], zlib.crc32(repr(key).encode()) if self.name else 0, key

    def insert(self, place: tuple[Any, Any], key: Key) -> None:
        insort(self.partitions.setdefault(place[0], []), self.entry(place, key))

    def insert_all(self, places: Iterable[tuple[tuple[Any, Any], Key]]) -> None:
        """Add many at once: every partition is sorted when all are in."""
        touched: dict[Any, list[Entry]] = {}
        for place, key in places:
            touched.setdefault(place[0], self.partitions.setdefault(place[0], [])).append(self.entry(place, key))
        for entries in touched.values():
            entries.sort()

    def discard(self, place: tuple[Any, Any], key: Key) -> None:
        entries = self.partitions[place[0]]
        del entries[bisect_left(entries, self.entry(place, key))]
        if not entries:
            del self.partitions[place[0]]


class Table:
    """`history_ms` is how long a superseded version stays visible to stale reads (0: not at all)."""

    def __init__(self, definition: dict[str, Any], history_ms: int = 0) -> None:
        self.name: str = definition["TableName"]
        self.definition = definition
        self.types = {a["AttributeName"]: a["AttributeType"] for a in definition["AttributeDefinitions"]}
        self.primary = Index(None, definition["KeySchema"], {})
        self.indexes: dict[str, Index] = {}
        for index in definition.get("GlobalSecondaryIndexes") or ():
            made = Index(index["IndexName"], index["KeySchema"], index["Projection"])
            made.names |= {*made.keys, *self.primary.keys}
            self.indexes[made.name or ""] = made
        self.key_attributes = {*self.primary.keys, *(k for i in self.indexes.values() for k in i.keys)}
        self.rows: dict[Key, Row] = {}
        self.ttl_attribute = ""
        self.history_ms = history_ms
        self.recent: dict[Key, list[tuple[int, Row | None]]] = {}
        self.journals: list[dict[Key, Row | None]] = []
        self._aging: deque[tuple[int, Key]] = deque()

    # keys

    def key(self, wire: dict[str, Any]) -> Key:
        """Return the key of a request's Key map."""
        names = self.primary.keys
        if len(wire) != len(names) or any(n not in wire or self.types[n] not in wire[n] for n in names):
            raise KeyInvalid("The provided key element does not match the schema")
        return self._checked_key(wire)

    def key_of_item(self, item: Item) -> Key:
        for name in self.primary.keys:
            if name not in item:
                raise KeyInvalid(f"One or more parameter values were invalid: Missing the key {name} in the item")
            if self.types[name] not in item[name]:
                raise KeyInvalid(
                    f"One or more parameter values were invalid: Type mismatch for key {name} "
                    f"expected: {self.types[name]} actual: {next(iter(item[name]))}"
                )
        return self._checked_key(item)

    def _checked_key(self, item: Item) -> Key:
        for name, kind, most in zip(
            self.primary.keys, ("hash", "range"), (MAX_HASH_BYTES, MAX_RANGE_BYTES), strict=False
        ):
            size = size_of(item[name])
            if not size:
                raise KeyInvalid(
                    "One or more parameter values are not valid. The AttributeValue for a key attribute "
                    f"cannot contain an empty string value. Key: {name}"
                )
            if size > most:
                raise KeyInvalid(
                    f"One or more parameter values were invalid: Size of {kind}key has exceeded the maximum size "
                    f"limit of {most} bytes"
                )
        place = self.primary.place(item)
        assert place is not None
        return place

    def check_paths(self, paths: Iterable[Sequence[str | int]]) -> None:
        """Check that no path goes below a key attribute, which is a scalar."""
        for path in paths:
            if len(path) > 1 and path[0] in self.key_attributes:
                raise Invalid(
                    "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: "
                    f"Key: {path[0]}"
                )

    def check_index_keys(self, item: Item) -> None:
        """Check that keys of an index have its type, and are neither empty nor too long."""
        for index in self.indexes.values():
            for name, most in zip(index.keys, (MAX_HASH_BYTES, MAX_RANGE_BYTES), strict=False):
                value = item.get(name)
                if value is None:
                    continue
                if self.types[name] not in value:
                    raise KeyInvalid(
                        f"One or more parameter values were invalid: Type mismatch for Index Key {name} "
                        f"Expected: {self.types[name]} Actual: {next(iter(value))} IndexName: {index.name}"
                    )
                size = size_of(value)
                if not size or size > most:
                    raise KeyInvalid(
                        "One or more parameter values are not valid. A value specified for a secondary index key "
                        f"is not supported. IndexName: {index.name}, IndexKey: {name}"
                    )

    # rows

    def versions(self, key: Key, now_ms: int) -> list[Row | None]:
        """Return versions of a row that were current at some time within the history, without the present one."""
        oldest = now_ms - self.history_ms
        return [row for until, row in self.recent.get(key, ()) if until >= oldest]

    def store(self, key: Key, row: Row | None, now_ms: int) -> None:
        """Replace (or with None delete) a row in every order."""
        old = self.rows.get(key)
        for journal in self.journals:
            journal.setdefault(key, old)
        if self.history_ms:
            self._remember(key, old, now_ms)
        if row is not None:
            self.rows[key] = row
        elif old is not None:
            del self.rows[key]
        if (old is None) != (row is None):
            if row is None:
                self.primary.discard(key, key)
            else:
                self.primary.insert(key, key)
        for index in self.indexes.values():
            before = index.place(old[0]) if old else None
            after = index.place(row[0]) if row else None
            if before != after:
                if before is not None:
                    index.discard(before, key)
                if after is not None:
                    index.insert(after, key)

    def load(self, items: Iterable[Item]) -> None:
        """Store valid items with new keys, all at once; indexes follow when all are in."""
        fresh: list[Key] = []
        for item in items:
            key = self.primary.place(item)
            assert key is not None
            assert key not in self.rows, f"{key} is there already"
            for journal in self.journals:
                journal.setdefault(key, None)
            self.rows[key] = (item, item_size(item))
            fresh.append(key)
        for order in (self.primary, *self.indexes.values()):
            places = ((order.place(self.rows[key][0]), key) for key in fresh)
            order.insert_all((place, key) for place, key in places if place is not None)

    def _remember(self, key: Key, old: Row | None, now_ms: int) -> None:
        self.recent.setdefault(key, []).append((now_ms, old))
        self._aging.append((now_ms, key))
        oldest = now_ms - self.history_ms
        while self._aging[0][0] < oldest:
            _, aged = self._aging.popleft()
            left = [entry for entry in self.recent.get(aged, ()) if entry[0] >= oldest]
            if left:
                self.recent[aged] = left
            else:
                self.recent.pop(aged, None)

    def index_writes(self, old: Row | None, new: Row | None) -> list[tuple[str, int]]:
        """Write units per index of replacing `old` by `new`: a moved entry is a delete and a put."""
        found = []
        for name, index in self.indexes.items():
            before = index.place(old[0]) if old else None
            after = index.place(new[0]) if new else None
            units = 0
            if before is not None and before == after and old and new:
                one, other = index.project(old[0]), index.project(new[0])
                if one != other and not equal({"M": one}, {"M": other}):
                    units = write_units(max(index.entry_size(old), index.entry_size(new)))
            else:
                units += write_units(index.entry_size(old)) if before is not None and old else 0
                units += write_units(index.entry_size(new)) if after is not None and new else 0
            if units:
                found.append((name, units))
        return found
