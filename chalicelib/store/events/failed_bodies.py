"""Bodies of messages that were set aside: compressed, in their row while they are small, else in items beside it."""

from __future__ import annotations

import zlib

from chalicelib.store.core import keys as core_keys
from chalicelib.store.core.models import Item
from chalicelib.store.core.table import Table, number
from chalicelib.store.events import keys as events_keys
from chalicelib.store.events.models import FailureItem

# Most rejected messages are a few short events. A larger body would make a list of rows slow, and their partitions hot.
INLINE_BYTES = 4 * 1024
# With its key well within an item's 400 KB. A message has at most 1 MiB, which does not grow by more than some bytes
# when it cannot be compressed: three parts.
PART_BYTES = 380 * 1024


def pack(body: str) -> bytes:
    return zlib.compress(body.encode("utf-8", "surrogatepass"))


def put_parts(table: Table, queue: str, failure_id: str, packed: bytes, expires: int) -> int:
    """Write a packed body into items of its own; returns how many. Writing it again changes nothing."""
    parts = [packed[start : start + PART_BYTES] for start in range(0, len(packed), PART_BYTES)]
    for place, part in enumerate(parts):
        values: Item = {":b": {"B": part}, ":e": number(expires)}
        key = events_keys.body_part(queue, failure_id, place)
        table.update(key, "SET #b = :b, expires = :e", "", {"#b": "body"}, values)
    return len(parts)


def load_body(table: Table, row: FailureItem) -> str | None:
    """The body of a set-aside message as it was sent; None if a part of it is gone."""
    packed = row.body
    if packed is None:
        wanted = _parts_of(row)
        found = table.get_many(wanted)
        if not wanted or len(found) < len(wanted):
            return None
        packed = b"".join(found[key]["body"]["B"] for key in wanted)
    return zlib.decompress(packed).decode("utf-8", "surrogatepass")


def delete_parts(table: Table, row: FailureItem) -> None:
    for key in _parts_of(row):
        table.delete(key)


def _parts_of(row: FailureItem) -> list[core_keys.Key]:
    return [events_keys.body_part(str(row.queue), str(row.sk), place) for place in range(int(row.parts or 0))]
