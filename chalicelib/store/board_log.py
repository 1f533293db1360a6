"""The redo log of a board shard: one item that says what its writer is about to do, and how far it has come.

An intent is written before what it says is done, and is done until its end by whoever finds it.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

import msgspec

from chalicelib.domain.rank_index import Changes
from chalicelib.store import keys
from chalicelib.store.board_entries import Entry
from chalicelib.store.models import BoardLogItem
from chalicelib.store.table import Table, number, update_of

# The log is paid for by size, twice an intent; 100 KB are a quarter of what an item may hold.
MAX_INTENT_BYTES = 100 * 1024


class Intent(msgspec.Struct, array_like=True):
    """All writes of one step of a board: entries as they shall be, and what happens to nodes.

    `latest`: the last moment at which a player on the board has reached its score.
    """

    seq: int
    entries: list[Entry]
    nodes: Changes
    latest: int


@dataclass(frozen=True, slots=True)
class Log:
    """`seq`: the last intent that is done. `intent`: one that has begun. `frozen`: when the board was, in ms."""

    seq: int = 0
    intent: Intent | None = None
    frozen: int | None = None
    latest: int = -1


def read_log(table: Table, shard: str) -> Log:
    """The log, strongly read."""
    item = table.get(keys.board_log(shard))
    if item is None:
        return Log()
    row = BoardLogItem.from_raw_data(item)
    return Log(
        seq=int(row.seq or 0),
        intent=None if row.intent is None else unpack(row.intent),
        frozen=None if row.frozen is None else int(row.frozen),
        latest=-1 if row.latest is None else int(row.latest),
    )


def pack(intent: Intent) -> bytes:
    return zlib.compress(msgspec.msgpack.encode(intent), 6)


def unpack(packed: bytes) -> Intent:
    return _DECODER.decode(zlib.decompress(packed))


def begin(table: Table, shard: str, log: Log, seq: int, packed: bytes, expires: int | None = None) -> None:
    """Write an intent if the log is as it was read.

    Only a return means that this intent has begun. After any error the log must be read again: an intent that is
    found pending then may be another writer's, whatever its number.
    """
    values = {":seq": number(log.seq), ":pending": number(seq), ":intent": {"B": packed}}
    expression = "SET pending = :pending, #intent = :intent, seq = if_not_exists(seq, :seq)"
    _update(table, shard, log, expression, values, expires)


def finish(table: Table, shard: str, intent: Intent) -> None:
    """Note that an intent is done. Raises ConditionFailed if somebody else has noted it."""
    request = update_of(
        table.name,
        keys.board_log(shard),
        "SET seq = :n, latest = :latest REMOVE pending, #intent",
        "pending = :n",
        {"#intent": "intent"},
        {":n": number(intent.seq), ":latest": number(intent.latest)},
    )
    table.update(request)


def freeze(table: Table, shard: str, log: Log, at_ms: int, expires: int | None = None) -> None:
    """Close the board if its log is as it was read. Raises ConditionFailed if not."""
    values = {":seq": number(log.seq), ":at": number(at_ms)}
    _update(table, shard, log, "SET frozen = :at, seq = if_not_exists(seq, :seq)", values, expires)


def _update(table: Table, shard: str, log: Log, expression: str, values: dict[str, Any], expires: int | None) -> None:
    condition = "seq = :seq" if log.seq else "(attribute_not_exists(seq) OR seq = :seq)"
    condition += " AND attribute_not_exists(pending) AND "
    if log.frozen is None:
        condition += "attribute_not_exists(frozen)"
    else:
        condition += "frozen = :frozen"
        values = values | {":frozen": number(log.frozen)}
    if expires is not None:
        expression += ", expires = :expires"
        values = values | {":expires": number(expires)}
    names = {"#intent": "intent"} if "#intent" in expression else None
    table.update(update_of(table.name, keys.board_log(shard), expression, condition, names, values))


_DECODER = msgspec.msgpack.Decoder(Intent)
