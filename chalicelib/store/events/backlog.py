"""Messages that workers received lately, by queue and minute, and the results of backlog checks for a bound."""

from __future__ import annotations

from chalicelib.domain.core.periods import DAY_MS, minute_of
from chalicelib.domain.events.backlog import CAP_MS, Watch
from chalicelib.store.core.table import Table, number
from chalicelib.store.events import keys
from chalicelib.store.events.models import BacklogItem, ReceivedItem

# No row is read after the cap. Reads name minutes and bounds, so a row that TTL deletes late is never read.
KEPT_MS = CAP_MS + DAY_MS


def note_received(table: Table, queue: str, now_ms: int, oldest_ms: int) -> None:
    """Record a message received now. Raises ConditionFailed if one at least as old is recorded for this minute."""
    key = keys.received(queue, minute_of(now_ms))
    condition = "attribute_not_exists(least) OR least > :least"
    values = {":least": number(oldest_ms), ":expires": number((now_ms + KEPT_MS) // 1000)}
    table.update(key, "SET least = :least, expires = :expires", condition, None, values)


def least_received(table: Table, queue: str, since_ms: int) -> int | None:
    """Return when the oldest message was sent of those that workers received since the minute of `since_ms` began."""
    first, last = keys.received(queue, minute_of(since_ms)), keys.received(queue, minute_of(since_ms + DAY_MS))
    rows = [ReceivedItem.from_raw_data(item) for item in table.query_all(first[0], between=(first[1], last[1]))]
    return min((int(row.least) for row in rows), default=None)


def read_watch(table: Table, bound_ms: int) -> Watch:
    """Read the results of the checks so far. The read is strong."""
    item = table.get(keys.backlog(bound_ms))
    if item is None:
        return Watch()
    row = BacklogItem.from_raw_data(item)
    return Watch(None if row.clear_since is None else int(row.clear_since), confirmed=bool(row.confirmed))


def write_watch(table: Table, bound_ms: int, known: Watch, new: Watch) -> None:
    """Record the result of another check. Raises ConditionFailed if another run has recorded one in the meantime."""
    row = BacklogItem(*keys.backlog(bound_ms), expires=(bound_ms + KEPT_MS) // 1000)
    row.clear_since, row.confirmed = new.clear_since_ms, new.confirmed or None
    if known.clear_since_ms is None:
        table.put(row.item(), "attribute_not_exists(clearSince)")
        return
    values = {":known": number(known.clear_since_ms)}
    table.put(row.item(), "clearSince = :known AND attribute_not_exists(confirmed)", None, values)
