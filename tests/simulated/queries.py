"""Query and Scan: key conditions, pages, filters; older versions and torn reads where the call meets them."""

from __future__ import annotations

import zlib
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import Any

from .calls import Call
from .capacity import Usage, read_units
from .conditions import Condition
from .errors import Invalid
from .expressions import Binding, Projection
from .keyrange import KeyRange
from .table import Entry, Index, Row, Table
from .values import Item

PAGE_BYTES = 1024 * 1024
Found = tuple[Entry, Row]


def projection_of(table: Table, request: dict[str, Any], binding: Binding) -> Projection | None:
    text = request.get("ProjectionExpression")
    if text is None:
        return None
    projection = Projection(text, binding)
    table.check_paths(projection.paths)
    return projection


def run(table: Table, operation: str, request: dict[str, Any], call: Call, usage: Usage) -> dict[str, Any]:
    index = _index(table, request)
    binding = Binding(request)
    select = KeyRange(table, index, request, binding) if operation == "Query" else None
    text = request.get("FilterExpression")
    condition = Condition(text, "FilterExpression", binding) if text is not None else None
    if condition is not None:
        table.check_paths(condition.paths)
        if select is not None:
            _check_filter(index, condition)
    projection = projection_of(table, request, binding)
    _check_projected(index, request, projection)
    binding.finish()
    limit = request.get("Limit")
    if limit is not None and limit < 1:
        raise Invalid("1 validation error detected: Value at 'limit' failed to satisfy constraint: Member >= 1")
    counted = _selects_count(request, projection)
    strong = bool(request.get("ConsistentRead"))
    found = _read(table, index, select, request, strong, call)
    items: list[Item] = []
    size = scanned = 0
    last: Row | None = None
    for scanned, (_, row) in enumerate(found, 1):
        size += index.entry_size(row)
        item = index.project(row[0])
        if condition is None or condition.test(item):
            items.append(projection.take(item) if projection else item)
        if scanned == limit or size > PAGE_BYTES:
            last = row
            break
    usage.read(table.name, index.name, read_units(size, 1 if strong else 0.5))
    answer: dict[str, Any] = {"Count": len(items), "ScannedCount": scanned}
    if not counted:
        answer["Items"] = items
    if last is not None:
        names = dict.fromkeys((*table.primary.keys, *index.keys))
        answer["LastEvaluatedKey"] = {name: last[0][name] for name in names}
    return answer


def _index(table: Table, request: dict[str, Any]) -> Index:
    name = request.get("IndexName")
    if name is None:
        return table.primary
    if name not in table.indexes:
        raise Invalid(f"The table does not have the specified index: {name}")
    if request.get("ConsistentRead"):
        raise Invalid("Consistent reads are not supported on global secondary indexes")
    return table.indexes[name]


def _check_filter(index: Index, condition: Condition) -> None:
    for name in dict.fromkeys(str(path[0]) for path in condition.paths):
        if name in index.keys:
            raise Invalid(
                "Filter Expression can only contain non-primary key attributes: Primary key attribute: " + name
            )
        if not index.all and name not in index.names:
            raise Invalid(
                f"One or more parameter values were invalid: Secondary index {index.name} does not project one or "
                f"more filter attributes: [{name}]"
            )


def _check_projected(index: Index, request: dict[str, Any], projection: Projection | None) -> None:
    """Check that an index has the attributes of the projection."""
    if index.name is None or index.all:
        return
    if request.get("Select") == "ALL_ATTRIBUTES":
        raise Invalid(
            "One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for global "
            f"secondary index {index.name} because its projection type is not ALL"
        )
    missing = [str(parts[0]) for parts in projection.paths if parts[0] not in index.names] if projection else []
    if missing:
        raise Invalid(
            f"One or more parameter values were invalid: Global secondary index {index.name} does not project "
            f"[{', '.join(missing)}]"
        )


def _selects_count(request: dict[str, Any], projection: Projection | None) -> bool:
    select = request.get("Select")
    if select is not None and projection is not None and select != "SPECIFIC_ATTRIBUTES":
        raise Invalid("Cannot specify the ProjectionExpression when choosing to get " + str(select))
    if select == "SPECIFIC_ATTRIBUTES" and projection is None:
        raise Invalid("Must specify the ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES")
    if select == "ALL_PROJECTED_ATTRIBUTES" and request.get("IndexName") is None:
        raise Invalid("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName")
    return bool(select == "COUNT")


def _read(
    table: Table, index: Index, select: KeyRange | None, request: dict[str, Any], strong: bool, call: Call
) -> Iterator[Found] | list[Found]:
    """Yield the rows in the requested order, from the start key on."""
    first = _find(table, index, select, request, strong, call)
    if not call.meets("torn"):
        return first
    before = {found[0][2]: found for found in first}
    call.pause()
    after = {found[0][2]: found for found in _find(table, index, select, request, strong, call)}
    chosen = [(before.get(key), after.get(key))[call.rng.randrange(2)] for key in dict.fromkeys((*before, *after))]
    torn = [found for found in chosen if found is not None]
    if select is not None:
        torn.sort(key=lambda found: found[0], reverse=not request.get("ScanIndexForward", True))
    return torn


def _find(
    table: Table, index: Index, select: KeyRange | None, request: dict[str, Any], strong: bool, call: Call
) -> Iterator[Found]:
    chosen = {} if strong or not call.stale else _older(table, call)
    start = request.get("ExclusiveStartKey")
    place = _start(table, index, start) if start else None
    if select is not None:
        entries = _entries(index, select.hash, chosen)
        low, high = select.cut(entries)
        forward = request.get("ScanIndexForward", True)
        if place is not None:
            if place[0] != select.hash:
                raise Invalid("The provided starting key is outside query boundaries based on provided conditions")
            at = place[1]
            low, high = (
                (max(low, bisect_right(entries, at)), high) if forward else (low, min(high, bisect_left(entries, at)))
            )
        span = range(low, high) if forward else range(high - 1, low - 1, -1)
        return ((entries[i], _row(table, entries[i], chosen)) for i in span)
    return _scan(table, index, request, place, chosen)


def _row(table: Table, entry: Entry, chosen: dict[Any, Row | None]) -> Row:
    key = entry[2]
    row = chosen[key] if key in chosen else table.rows[key]
    assert row is not None
    return row


def _scan(
    table: Table, index: Index, request: dict[str, Any], place: Any, chosen: dict[Any, Row | None]
) -> Iterator[Found]:
    segments, segment = request.get("TotalSegments", 1), request.get("Segment", 0)
    hashes = set(index.partitions)
    hashes.update(p[0] for row in chosen.values() if row and (p := index.place(row[0])))
    for partition in sorted(hashes):
        if segments > 1 and zlib.crc32(str(partition).encode()) % segments != segment:
            continue
        if place is not None and partition < place[0]:
            continue
        for entry in list(_entries(index, partition, chosen)):
            if place is None or partition > place[0] or entry > place[1]:
                yield entry, _row(table, entry, chosen)


def _older(table: Table, call: Call) -> dict[Any, Row | None]:
    """Return the version that this read gets of every row changed within the history."""
    return {key: call.version(table.versions(key, call.now_ms), table.rows.get(key)) for key in table.recent}


def _entries(index: Index, partition: Any, chosen: dict[Any, Row | None]) -> list[Entry]:
    entries = index.partitions.get(partition, [])
    if not chosen:
        return entries
    found = [entry for entry in entries if entry[2] not in chosen]
    for key, row in chosen.items():
        place = index.place(row[0]) if row else None
        if place is not None and place[0] == partition:
            found.append(index.entry(place, key))
    return sorted(found)


def _start(table: Table, index: Index, wire: dict[str, Any]) -> tuple[Any, Entry]:
    names = dict.fromkeys((*table.primary.keys, *index.keys))
    if set(wire) != set(names) or any(table.types[name] not in wire[name] for name in names):
        raise Invalid("The provided starting key is invalid")
    place, key = index.place(wire), table.primary.place(wire)
    assert place is not None
    assert key is not None
    return place[0], index.entry(place, key)
