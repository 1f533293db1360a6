"""Answers decoded in bulk are the answers that botocore parses."""

from __future__ import annotations

import pytest

from chalicelib.store.boards import keys
from chalicelib.store.boards.bulk import Wire, query_all_as, query_as
from chalicelib.store.core.table import StoreError, Table, number
from tests.pipeline import plant as plants
from tests.pipeline.plant import Plant
from tests.services.boards.board_edits import GLOBAL, edit
from tests.simulated import Faults

PK = keys.nodes(GLOBAL)


@pytest.fixture
def plant() -> Plant:
    plant = plants.build(1, Faults())
    for place in range(5):
        edit(plant, (PK, f"0.{place}"), "SET #05 = :n", n=place)
    return plant


def test_a_page_is_decoded_as_botocore_parses_it(plant: Plant) -> None:
    start, pages = None, []
    while True:
        parsed = plant.context.table.query(PK, start=start, limit=2)
        decoded, following = query_as(plant.context.table, dict[str, Wire], PK, start, limit=2)
        assert [
            {name: {"S" if value.S else "N": value.S or value.N} for name, value in row.items()} for row in decoded
        ] == (parsed.items)
        assert following == parsed.next
        pages.append(len(decoded))
        start = following
        if start is None:
            break
    assert pages == [2, 2, 1]
    assert [row["05"].N for row in query_all_as(plant.context.table, dict[str, Wire], PK)] == list("01234")


def test_bytes_are_decoded_too(plant: Plant) -> None:
    request = {
        "TableName": plant.context.table.name,
        "Item": {"pk": {"S": PK}, "sk": {"S": "X"}, "b": {"B": b"\0\xff"}},
    }
    plant.context.table.client.put_item(**request)
    (row,) = query_all_as(plant.context.table, dict[str, Wire], PK, prefix="X")
    assert row["b"].B == b"\0\xff"


def test_other_queries_and_errors_are_botocores_own() -> None:
    plant = plants.build(1, Faults())
    context = plant.context
    with pytest.raises(StoreError, match="ResourceNotFound"):
        query_as(Table("elsewhere", context.table.client, context.pause), dict[str, Wire], PK)
    edit(plant, (PK, "0.1"), "SET #05 = :n", n=3)
    list(query_all_as(plant.context.table, dict[str, Wire], PK))
    assert plant.context.table.query(PK).items[0]["05"] == number(3)
