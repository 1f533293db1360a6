"""The heaviest entry is one write unit, in the table and on the index."""

from __future__ import annotations

import pytest

from chalicelib.domain.core.subjects import subject_of
from chalicelib.domain.progress.scores import MAX_SCORE
from chalicelib.store.boards.entries import Entry, entry_update
from chalicelib.store.core.item_size import item_size
from tests.bench.board import item_written

WRITE_UNIT = 1024


@pytest.mark.parametrize(("kind", "size"), [("player", 869), ("k" * 16, 897)])
def test_the_heaviest_entry_is_one_write_unit(kind: str, size: int) -> None:
    entry = Entry(
        subject=subject_of(kind, "i" * 128),
        version=10**15 - 1,
        score=MAX_SCORE,
        reached_at=10**13 - 1,
        level=10**6 - 1,
        title="\N{GRINNING FACE}" * 24,
        public="p" * 64,
        name="\N{GRINNING FACE}" * 50,
        private=True,
        hidden=True,
        on_board=True,
    )
    item = item_written(entry_update(f"{'s' * 32}#2026-05-19", entry, 10**15 - 1, expires=10**10 - 1))
    assert item_size(item) == size <= WRITE_UNIT
