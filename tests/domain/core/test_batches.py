"""Batches of a size, the last one shorter."""

from __future__ import annotations

import pytest

from chalicelib.domain.core.batches import batched


@pytest.mark.parametrize(
    ("number", "batches"),
    [(0, []), (1, [[0]]), (3, [[0, 1, 2]]), (4, [[0, 1, 2], [3]]), (7, [[0, 1, 2], [3, 4, 5], [6]])],
)
def test_batches_hold_all_items_in_order(number: int, batches: list[list[int]]) -> None:
    assert list(batched(range(number), 3)) == batches


def test_no_more_is_taken_than_the_batches_that_are_asked_for() -> None:
    source = iter(range(10))
    assert next(batched(source, 4)) == [0, 1, 2, 3]
    assert next(source) == 4


def test_no_size_drops_all_items() -> None:
    with pytest.raises(ValueError, match="one item or more"):
        list(batched([1, 2], 0))
