"""A table goes back to a savepoint: rows, orders and indexes, after any writes."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.simulated import Call, DynamoDB
from tests.simulated.errors import AwsError
from tests.simulated.generator import MAIN, TABLES, Generator
from tests.simulated.savepoint import Savepoint
from tests.simulated.table import Table


def contents(table: Table) -> Any:
    orders = (table.primary, *table.indexes.values())
    return copy.deepcopy((table.rows, [order.partitions for order in orders]))


def write(engine: DynamoDB, generator: Generator, requests: int) -> None:
    for _ in range(requests):
        operation, request = generator.request()
        try:
            engine.execute(operation, request, Call())
        except AwsError:
            continue


@pytest.fixture
def filled() -> tuple[DynamoDB, Generator]:
    engine, generator = DynamoDB(), Generator(5)
    for table in TABLES:
        engine.execute("CreateTable", copy.deepcopy(table), Call())
    write(engine, generator, 300)
    return engine, generator


def test_all_later_writes_are_undone(filled: tuple[DynamoDB, Generator]) -> None:
    engine, generator = filled
    table = engine.table(MAIN)
    before, savepoint = contents(table), Savepoint(table)
    for _ in range(3):
        write(engine, generator, 200)
        assert contents(table) != before
        savepoint.restore()
        assert contents(table) == before


def test_a_later_savepoint_and_the_first_are_apart(filled: tuple[DynamoDB, Generator]) -> None:
    engine, generator = filled
    table = engine.table(MAIN)
    first, one = contents(table), Savepoint(table)
    write(engine, generator, 100)
    second, other = contents(table), Savepoint(table)
    assert second != first
    for savepoint, expected in ((one, first), (other, second), (other, second), (one, first), (other, second)):
        savepoint.restore()
        assert contents(table) == expected
        write(engine, generator, 100)


def test_loaded_rows_are_undone(filled: tuple[DynamoDB, Generator]) -> None:
    table = filled[0].table(MAIN)
    before, savepoint = contents(table), Savepoint(table)
    table.load(
        [
            {"pk": {"S": "loaded"}, "sk": {"S": str(number)}, "board": {"S": "b"}, "order": {"S": "o"}}
            for number in range(3)
        ]
    )
    assert len(table.rows) == len(before[0]) + 3
    savepoint.restore()
    assert contents(table) == before


def test_older_versions_cannot_be_restored() -> None:
    with pytest.raises(ValueError, match="Older versions"):
        Savepoint(Table(TABLES[0], history_ms=1))
