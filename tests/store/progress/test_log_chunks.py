"""Packs of the log: the number of packs that a write touches is computed without measuring an entry twice."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.progress.log import Entry, Minute
from chalicelib.store.core.table import Table
from chalicelib.store.progress.log_chunks import MAX_PACK_BYTES, add_packs, packs_in
from chalicelib.store.progress.models import LogItem


def entry(number: int, room: int = 0) -> Entry:
    return Entry(f"identity-{number}", "body", number, "request.completed", "gateway", f"e{number}", note="x" * room)


def test_the_number_of_packs_bounds_the_writes() -> None:
    minute = Minute()
    for number in range(60):
        minute.appended.append(entry(number, room=number * 11 % 300))
        tx = Table("t", None, lambda _: None).transaction()
        add_packs(tx, "ada", 29_653_200, minute, 0)
        assert len(tx) <= packs_in(minute)
    size = sum(len(LogItem.entries.serialize([each])) for each in minute.appended)
    assert packs_in(minute) == 1 + size // (MAX_PACK_BYTES // 2)
    assert packs_in(Minute()) == 0


def test_each_entry_is_measured_once_however_often_it_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    measured: list[Any] = []
    serialize = LogItem.entries.serialize
    monkeypatch.setattr(LogItem.entries, "serialize", lambda value: measured.append(value) or serialize(value))
    minute = Minute()
    for number in range(100):
        minute.appended.append(entry(number))
        packs_in(minute)
        packs_in(minute)
    assert [len(each) for each in measured] == [1] * 100
