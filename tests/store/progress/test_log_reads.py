"""The log newest first: by the time of events, for any order of their commits, and on any page."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from chalicelib.domain.core.periods import MINUTE_MS, minute_of
from chalicelib.domain.progress.log import Entry, Minute
from chalicelib.store.core.table import Table
from chalicelib.store.progress import log_reads
from chalicelib.store.progress.log_chunks import add_packs
from chalicelib.store.progress.log_reads import ENTRIES_IN_PACK, Place, log_page
from tests.pipeline import plant as plants
from tests.simulated import Faults


class Book:
    """Ada's log, written in commits of some entries each; `added` has (time, number of the commit) of every entry."""

    def __init__(self) -> None:
        plant = plants.build(1, Faults())
        self.table, self.now_ms = plant.context.table, plant.context.now_ms()
        self.minutes: dict[int, Minute] = {}
        self.added: list[tuple[int, int]] = []
        self.queries = 0
        query = self.table.query

        def counted(*args: object, **kwargs: object) -> object:
            self.queries += 1
            return query(*args, **kwargs)  # type: ignore[arg-type]

        self.table.query = counted  # type: ignore[assignment, method-assign]

    def commit(self, *times: int) -> None:
        touched = set()
        for time_ms in times:
            number = len(self.added)
            self.added.append((time_ms, number))
            minute = self.minutes.setdefault(minute_of(time_ms), Minute())
            note = "x" * (number * 37 % 120)
            minute.appended.append(Entry(str(number), "b", time_ms % MINUTE_MS, "t", "s", str(number), note=note))
            touched.add(minute_of(time_ms))
        for place in sorted(touched):
            minute = self.minutes[place]
            tx = self.table.transaction()
            add_packs(tx, "ada", place, minute, self.now_ms)
            tx.commit()
            minute.stored += minute.appended
            minute.appended, minute.chunk, minute.last = [], minute.next_chunk, minute.next_last

    def page(self, limit: int, before: Place | None) -> tuple[list[tuple[int, int]], Place | None]:
        """Return up to `limit` entries as `added` has them, and the place before which the next page begins."""
        page = log_page(self.table, "ada", self.now_ms, limit, before)
        found = [(place, (place.minute * MINUTE_MS + entry.offset, int(entry.id))) for place, entry in page.entries]
        if len(found) > limit:
            return [each for _, each in found[:limit]], found[limit - 1][0]
        return [each for _, each in found], page.next

    def pages(self, limit: int) -> list[tuple[int, int]]:
        found, before = self.page(limit, None)
        while before is not None:
            more, before = self.page(limit, before)
            found += more
        return found


@pytest.fixture
def book() -> Book:
    return Book()


@pytest.mark.parametrize("seed", range(12))
def test_any_walk_is_newest_first_with_each_entry_once(book: Book, seed: int) -> None:
    chance = random.Random(seed)
    minutes = chance.choice([1, 2, 5, 40])
    for _ in range(12):
        ago = [chance.randrange(minutes * MINUTE_MS // 500) * 500 for _ in range(chance.randint(1, 12))]
        book.commit(*(book.now_ms - each for each in ago))
    for limit in (1, chance.randint(2, 9), 50, 1000):
        assert book.pages(limit) == sorted(book.added, reverse=True)


@pytest.mark.parametrize("seed", range(8))
def test_commits_while_a_log_is_read_lose_and_double_nothing(book: Book, seed: int) -> None:
    chance = random.Random(seed)

    def some() -> list[int]:
        return [book.now_ms - chance.randrange(3 * MINUTE_MS) for _ in range(chance.randint(1, 9))]

    for _ in range(8):
        book.commit(*some())
    before_reading = set(book.added)
    found, before = book.page(chance.randint(1, 20), None)
    while before is not None:
        book.commit(*some())
        more, before = book.page(chance.randint(1, 20), before)
        found += more
    assert found == sorted(found, reverse=True)
    assert len(found) == len(set(found))
    assert set(found) >= before_reading


@pytest.mark.parametrize("limit", [1, 4, 30])
def test_a_minute_of_more_packs_than_are_sorted_together(
    book: Book, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_reads, "SORTED_PACKS", 3)
    chance = random.Random(limit)
    for _ in range(20):
        book.commit(*(book.now_ms - chance.randrange(2 * MINUTE_MS) for _ in range(8)))
    found = book.pages(limit)
    assert sorted(found) == sorted(book.added)
    minutes = [time_ms // MINUTE_MS for time_ms, _ in found]
    assert minutes == sorted(minutes, reverse=True)
    # Within a minute it falls as often as the parts are in number, less one.
    for minute in set(minutes):
        times = [time_ms for time_ms, _ in found if time_ms // MINUTE_MS == minute]
        rises = sum(later > earlier for earlier, later in pairwise(times))
        assert rises <= book.minutes[minute].chunk // 3


def test_a_page_of_minutes_with_one_pack_each_is_one_query(book: Book) -> None:
    for ago in range(60):
        book.commit(book.now_ms - ago * MINUTE_MS)
    page, _ = book.page(10, None)
    assert (len(page), book.queries) == (10 // ENTRIES_IN_PACK + 1, 1)


def test_a_page_inside_a_crowded_minute_is_two_queries_and_another_page_is_one(book: Book) -> None:
    crowded = book.now_ms // MINUTE_MS * MINUTE_MS - MINUTE_MS
    for second in range(50):
        book.commit(crowded + second * 1000)
    assert book.page(10, None)[0] == sorted(book.added, reverse=True)[:10]
    assert book.queries == 2
    for second in range(3):
        book.commit(*[crowded + MINUTE_MS + second * 1000] * 5)
    book.queries = 0
    page = log_page(book.table, "ada", book.now_ms, 10)
    assert len(page.entries) == 15, "the crowded minute is left to the next page"
    assert book.queries == 1


def test_places_never_move(book: Book) -> None:
    book.commit(*(book.now_ms - ago for ago in range(0, 9000, 1000)))
    before = {entry.id: place for place, entry in log_page(book.table, "ada", book.now_ms, 99).entries}
    book.commit(*(book.now_ms - ago for ago in range(500, 9000, 1000)))
    after = {entry.id: place for place, entry in log_page(book.table, "ada", book.now_ms, 99).entries}
    assert before.items() <= after.items()
    assert len(after) == 18


def test_an_empty_log(book: Book) -> None:
    assert isinstance(book.table, Table)
    assert book.pages(5) == []
