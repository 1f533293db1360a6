"""Bodies of failed messages: compressed, inside their row while they are small, else in separate items."""

from __future__ import annotations

import zlib

from chalicelib.store.core import keys as core_keys
from chalicelib.store.core.models import Item
from chalicelib.store.core.table import Table, number
from chalicelib.store.events import keys as events_keys
from chalicelib.store.events.models import FailureItem

# Most rejected messages are a few short events. A larger body would slow down lists of rows and heat up partitions.
INLINE_BYTES = 4 * 1024
# A part with its key is well below an item's 400 KB. A message has at most 1 MiB, and grows by a few bytes if it
# cannot be compressed: three parts.
PART_BYTES = 380 * 1024


def pack(body: str) -> bytes:
    return zlib.compress(body.encode("utf-8", "surrogatepass"))


def put_parts(table: Table, queue: str, failure_id: str, packed: bytes, expires: int) -> int:
    """Write a packed body into separate items. Returns how many. Writing it again changes nothing."""
    parts = [packed[start : start + PART_BYTES] for start in range(0, len(packed), PART_BYTES)]
    for place, part in enumerate(parts):
        values: Item = {":b": {"B": part}, ":e": number(expires)}
        key = events_keys.body_part(queue, failure_id, place)
        table.update(key, "SET #b = :b, expires = :e", "", {"#b": "body"}, values)
    return len(parts)


def load_body(table: Table, row: FailureItem) -> str | None:
    """Return the original body of a failed message; None if a part of it was deleted."""
    packed = row.body
    if packed is None:
        part_keys = _parts_of(row)
        found = table.get_many(part_keys)
        if not part_keys or len(found) < len(part_keys):
            return None
        packed = b"".join(found[key]["body"]["B"] for key in part_keys)
    return zlib.decompress(packed).decode("utf-8", "surrogatepass")


def delete_parts(table: Table, row: FailureItem) -> None:
    for key in _parts_of(row):
        table.delete(key)


def _parts_of(row: FailureItem) -> list[core_keys.Key]:
    return [events_keys.body_part(str(row.queue), str(row.sk), place) for place in range(int(row.parts or 0))]
