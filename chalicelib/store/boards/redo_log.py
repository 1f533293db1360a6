"""The redo log of a board shard: one item with the writer's pending intent and its progress.

An intent is written before its writes are executed. Any process that finds a pending intent completes it.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec.structs import replace

from chalicelib.domain.boards.rank_index import Changes
from chalicelib.domain.boards.repair_progress import Repair
from chalicelib.store.boards import keys
from chalicelib.store.boards.entries import Entry
from chalicelib.store.boards.models import BoardLogItem
from chalicelib.store.core.table import Table, number

# Each intent costs two writes of the log's size. 100 KB are a quarter of an item's limit.
MAX_INTENT_BYTES = 100 * 1024


class Intent(msgspec.Struct, array_like=True):
    """All writes of one step of a board: entries in their new state, and changes of nodes.

    `latest`: the last moment at which a subject on the board reached its score. The last two fields are moves of
    subjects that the repair `repair` has counted, and the expiry of these moves. A move is four numbers: score and
    moment before, and after; -1 is off the board.
    """

    seq: int
    entries: list[Entry]
    nodes: Changes
    latest: int
    repair: str = ""
    moves: list[int] = []
    moves_expire: int = 0


@dataclass(frozen=True, slots=True)
class Log:
    """The state of a redo log. `seq`: the last intent that is done. `intent`: one that has begun.

    `frozen`: when the board was frozen, in ms. `repair`: a repair in progress.
    """

    seq: int = 0
    intent: Intent | None = None
    frozen: int | None = None
    latest: int = -1
    repair: Repair | None = None


def read_log(table: Table, shard: str) -> Log:
    """Read the log. The read is strong."""
    item = table.get(keys.board_log(shard))
    if item is None:
        return Log()
    row = BoardLogItem.from_raw_data(item)
    return Log(
        seq=int(row.seq or 0),
        intent=None if row.intent is None else unpack(row.intent),
        frozen=None if row.frozen is None else int(row.frozen),
        latest=-1 if row.latest is None else int(row.latest),
        repair=None if row.repair is None else _REPAIRS.decode(row.repair),
    )


def pack(intent: Intent) -> bytes:
    """Return an intent compressed, its subjects in their short form."""
    entries = [replace(entry, subject=keys.short_subject(entry.subject)) for entry in intent.entries]
    return zlib.compress(msgspec.msgpack.encode(replace(intent, entries=entries)), 6)


def unpack(packed: bytes) -> Intent:
    """Return the intent that was packed."""
    intent = _DECODER.decode(zlib.decompress(packed))
    for entry in intent.entries:
        entry.subject = keys.full_subject(entry.subject)
    return intent


def begin(table: Table, shard: str, log: Log, seq: int, packed: bytes, expires: int | None = None) -> None:
    """Write an intent if the log is unchanged since its read.

    Only a return means that this intent has begun. After any error the log must be read again: an intent that is
    pending then may be another writer's, even with the same number.
    """
    values = {":seq": number(log.seq), ":pending": number(seq), ":intent": {"B": packed}}
    expression = "SET pending = :pending, #intent = :intent, seq = if_not_exists(seq, :seq)"
    _update(table, shard, log, expression, values, expires)


def finish(table: Table, shard: str, intent: Intent) -> None:
    """Record that an intent is done. Raises ConditionFailed if another process has recorded it."""
    table.update(
        keys.board_log(shard),
        "SET seq = :n, latest = :latest REMOVE pending, #intent",
        "pending = :n",
        {"#intent": "intent"},
        {":n": number(intent.seq), ":latest": number(intent.latest)},
    )


def freeze(table: Table, shard: str, log: Log, at_ms: int, expires: int | None = None) -> None:
    """Freeze the board if its log is unchanged since its read. Raises ConditionFailed if not."""
    values = {":seq": number(log.seq), ":at": number(at_ms)}
    _update(table, shard, log, "SET frozen = :at, seq = if_not_exists(seq, :seq)", values, expires)


def advance(
    table: Table, shard: str, log: Log, seq: int, repair: Repair | None, latest: int, expires: int | None = None
) -> None:
    """Record the progress of a repair, None for its end, if the log is unchanged since its read.

    `seq`, greater than the log's, takes the place of an intent's number: a process that read the log before can begin
    nothing.
    """
    values: dict[str, Any] = {":seq": number(log.seq), ":next": number(seq), ":latest": number(max(log.latest, latest))}
    expression = "SET seq = :next, latest = :latest"
    if repair is not None:
        expression += ", #repair = :repair"
        values[":repair"] = {"B": msgspec.msgpack.encode(repair)}
    _update(table, shard, log, expression, values, expires, "" if repair is not None else " REMOVE #repair")


def _update(
    table: Table, shard: str, log: Log, expression: str, values: dict[str, Any], expires: int | None, removes: str = ""
) -> None:
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
    expression += removes
    names = {f"#{name}": name for name in ("intent", "repair") if f"#{name}" in expression}
    table.update(keys.board_log(shard), expression, condition, names, values)


_DECODER = msgspec.msgpack.Decoder(Intent)
_REPAIRS = msgspec.msgpack.Decoder(Repair)
