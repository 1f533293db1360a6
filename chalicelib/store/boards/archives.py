"""Archives of boards, one for each period that has ended, and the progress of each scope's rotation."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from chalicelib.domain.boards.archive import Judged, Place, Waiting
from chalicelib.store.boards import keys
from chalicelib.store.boards.models import ArchiveItem
from chalicelib.store.core.models import Item
from chalicelib.store.core.table import Table, key_of, number, text


@dataclass(frozen=True, slots=True)
class Archive:
    """The archive of a board. `frozen_at`: when the board was frozen, in ms. `top`: the best places.

    `waiting`: the ranks to publish. The next two fields hold the progress: how many of these ranks are published, and
    the last subject of the tie group beyond them whose rank is. `done`: all ranks are published.
    """

    scope: str
    period: str
    total: int
    frozen_at: int
    top: list[Place]
    waiting: Waiting = field(default_factory=lambda: Waiting([]))
    published: int = 0
    published_until: str = ""
    done: bool = False


def read_archives(table: Table, scope: str, periods: Sequence[str]) -> dict[str, Archive]:
    """Return the archives that exist, by period. The read is strong."""
    items = table.get_many([keys.archive(scope, period) for period in periods])
    return {sk: _archive(scope, sk, item) for (_, sk), item in items.items()}


def read_archive(table: Table, scope: str, period: str) -> Archive | None:
    """Read one archive, eventually consistent."""
    item = table.get(keys.archive(scope, period), strong=False)
    return _archive(scope, period, item) if item else None


def create_archive(table: Table, archive: Archive, expires: int | None = None) -> None:
    """Write an archive, once. Raises ConditionFailed if it exists."""
    pk, sk = keys.archive(archive.scope, archive.period)
    row = ArchiveItem(pk, sk, total=archive.total, top=archive.top, frozen_at=archive.frozen_at, expires=expires)
    row.waiting = zlib.compress(msgspec.msgpack.encode(archive.waiting.judged))
    row.tie = archive.waiting.tie
    table.put(row.item(), "attribute_not_exists(pk)")


def save_published(table: Table, archive: Archive, published: int, last_subject: str = "") -> None:
    """Record how many ranks are published, and the last subject of the tie group.

    Raises ConditionFailed if all ranks are published.
    """
    values = {":published": number(published)}
    expression = "SET published = :published"
    if last_subject:
        expression, values = f"{expression}, publishedUntil = :until", values | {":until": text(last_subject)}
    _update(table, archive, expression, "attribute_exists(pk) AND attribute_not_exists(done)", values)


def finish_archive(table: Table, archive: Archive, at_ms: int) -> None:
    """Record that all ranks are published: nothing of this period is ever sent again."""
    expression = "SET done = if_not_exists(done, :at) REMOVE waiting, published, tie, publishedUntil"
    _update(table, archive, expression, "attribute_exists(pk)", {":at": number(at_ms)})


def read_cursor(table: Table, scope: str) -> int | None:
    """Return the last day of the last period up to which all periods are done; None before the first rotation."""
    item = table.get(keys.rotation(scope))
    return int(item["through"]["N"]) if item else None


def start_cursor(table: Table, scope: str, day: int) -> None:
    """Record that the rotations of a scope begin after this day. Raises ConditionFailed if a beginning is recorded."""
    table.put({**key_of(keys.rotation(scope)), "through": number(day)}, "attribute_not_exists(pk)")


def move_cursor(table: Table, scope: str, day: int) -> None:
    """Move the cursor forward. Raises ConditionFailed if it is as far, or does not exist."""
    condition = "through < :day"
    table.update(keys.rotation(scope), "SET through = :day", condition, None, {":day": number(day)})


def _update(table: Table, archive: Archive, expression: str, condition: str, values: dict[str, Any]) -> None:
    key = keys.archive(archive.scope, archive.period)
    table.update(key, expression, condition, None, values)


def _archive(scope: str, period: str, item: Item) -> Archive:
    row = ArchiveItem.from_raw_data(item)
    judged = [] if row.waiting is None else msgspec.msgpack.decode(zlib.decompress(row.waiting), type=list[Judged])
    return Archive(
        scope=scope,
        period=period,
        total=int(row.total),
        frozen_at=int(row.frozen_at),
        top=row.top,
        waiting=Waiting(judged, row.tie),
        published=int(row.published or 0),
        published_until=row.published_until or "",
        done=row.done is not None,
    )
