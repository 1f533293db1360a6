"""Writes that a commit of a player adds to a transaction, and the bounds that keep it within one."""

from __future__ import annotations

import pytest

from chalicelib.domain.identity.identity import Identity
from chalicelib.domain.progress.daily_stats import DailyStats
from chalicelib.domain.progress.log import Entry, Keyed, Minute, Records
from chalicelib.domain.progress.player import Pair, Player
from chalicelib.domain.rules.schema import MAX_FIRST_BADGES
from chalicelib.store.core.table import Table
from chalicelib.store.core.transaction import Transaction
from chalicelib.store.progress.commit import EVENT_ITEMS, Write, add_write, most_items
from chalicelib.store.progress.log_chunks import MAX_PACK_BYTES

NOW_MS = 1_779_192_000_000
LARGE = "x" * (MAX_PACK_BYTES // 2)


def written(player: Player, records: Records, *, known: bool = True) -> tuple[Write, Transaction]:
    write = Write(player, records, known, NOW_MS, 1000, "r")
    tx = Table("t", None, lambda _: None).transaction()
    add_write(tx, write)
    return write, tx


def entry(note: str = "") -> Entry:
    return Entry("i", "b", 0, "request.completed", "s", "e", note=note)


@pytest.fixture
def player() -> Player:
    return Player("ada", Identity("a" * 32, "b" * 16, NOW_MS))


def all_of_one_event(player: Player) -> Records:
    """Return all records that one event can change, for a player who begins to exist by it."""
    records = Records(minutes={NOW_MS // 60_000: Minute(appended=[entry(LARGE)])})
    records.keyed["i"] = Keyed(NOW_MS, entry())
    records.new_keyed, records.new_once = {"i"}, {"lesson/1"}
    records.pairs, records.changed_pairs = {"bob": Pair(1, 0)}, {"bob"}
    records.new_granted = {("root", 20_000): 5}
    records.new_firsts = {f"badge-{number}" for number in range(MAX_FIRST_BADGES)}
    player.changed = {"streak", "badges", "sets"}
    for day in (20_000, 20_040):
        player.past[day] = DailyStats()
        player.changed_days.add(day)
    return records


def test_one_event_adds_no_more_than_its_bound(player: Player) -> None:
    write, tx = written(player, all_of_one_event(player))
    assert most_items(write) == EVENT_ITEMS
    assert len(tx) == EVENT_ITEMS - 1, "a log chunk less: its entry is large, and alone"


def test_changed_items_are_counted_before_they_are_built(player: Player) -> None:
    records = Records(minutes={NOW_MS // 60_000: Minute(appended=[entry()])})
    write, tx = written(player, records)
    assert (most_items(write), len(tx)) == (4, 4), "a log chunk, state, identity, public id"
    player.version, player.changed = 1, {"identity", "badges"}
    write, tx = written(player, records)
    assert (most_items(write), len(tx)) == (4, 4), "a log chunk, state, identity, badges"


def test_events_that_are_not_known_write_the_log_alone(player: Player) -> None:
    records = all_of_one_event(player)
    _, tx = written(player, records, known=False)
    assert [write["Put"]["Item"]["sk"]["S"].partition("#")[0] for write in tx.requests()] == ["LOG", "KEYED"]
