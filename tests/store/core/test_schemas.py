"""Schemas of items: upgrades when they are read, and the form in which they are written."""

from __future__ import annotations

import json

import pytest
from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from chalicelib.domain.core.errors import OutOfReach
from chalicelib.store.core.codecs import Json
from chalicelib.store.core.models import SCHEMA, Item, Kind
from chalicelib.store.core.outcomes import LaterSchema
from chalicelib.store.core.table import ConditionFailed, number, text
from tests.pipeline import plant as plants
from tests.pipeline.plant import Plant
from tests.simulated import Faults


class First(Kind):
    """A sample kind at schema 1."""

    version = NumberAttribute(attr_name="v")
    week = NumberAttribute()
    month = NumberAttribute()


def to_sums(item: Item) -> Item:
    """Upgrade from 1: one attribute instead of two."""
    rest = {name: value for name, value in item.items() if name not in ("week", "month")}
    return {**rest, "sums": text(json.dumps([int(item["week"]["N"]), int(item["month"]["N"])]))}


def to_week_and_month(item: Item) -> Item:
    """Downgrade from 2."""
    rest = {name: value for name, value in item.items() if name != "sums"}
    week, month = json.loads(item["sums"]["S"])
    return {**rest, "week": number(week), "month": number(month)}


def to_unit(item: Item) -> Item:
    """Upgrade from 2."""
    return {**item, "unit": text("xp")}


class Second(Kind):
    version = NumberAttribute(attr_name="v")
    sums: Json[list[int]] = Json(list[int])

    schema = 2
    upgrades = (to_sums,)


class SecondInRollout(Second):
    """The same in the first of two releases."""

    downgrade = to_week_and_month


class Third(Kind):
    version = NumberAttribute(attr_name="v")
    sums: Json[list[int]] = Json(list[int])
    unit = UnicodeAttribute()

    schema = 3
    upgrades = (to_sums, to_unit)


KEY = ("SAMPLE#a", "SAMPLE")


@pytest.fixture
def plant() -> Plant:
    return plants.build(1, Faults())


def first(version: int = 1) -> First:
    return First(*KEY, version=version, week=3, month=8)


def second(kind: type[Second]) -> Second:
    return kind(*KEY, version=1, sums=[3, 8])


def test_items_of_schema_1_do_not_name_it() -> None:
    assert first().item().keys() == {"pk", "sk", "v", "week", "month"}


def test_later_schemas_are_named() -> None:
    assert second(Second).item()[SCHEMA] == number(2)
    assert Third(*KEY, version=1, sums=[3, 8], unit="xp").item()[SCHEMA] == number(3)


@pytest.mark.parametrize("item", [first().item(), second(Second).item()])
def test_earlier_schemas_are_upgraded_step_by_step(item: Item) -> None:
    before = json.dumps(item)
    row = Third.from_raw_data(item)
    assert (int(row.version), row.sums, row.unit) == (1, [3, 8], "xp")
    assert json.dumps(item) == before, "an upgrade leaves its argument unchanged"


def test_the_first_release_writes_the_previous_schema_and_reads_both() -> None:
    written = second(SecondInRollout).item()
    assert written == first().item()
    for item in (written, second(Second).item()):
        assert SecondInRollout.from_raw_data(item).sums == [3, 8]
    assert First.from_raw_data(written).week == 3, "the release before reads what the first release writes"


@pytest.mark.parametrize(
    ("kind", "item"), [(First, second(Second).item()), (Second, {**first().item(), SCHEMA: number(3)})]
)
def test_a_later_schema_is_an_error_that_a_retry_may_outlast(kind: type[Kind], item: Item) -> None:
    with pytest.raises(
        LaterSchema, match=f"{kind.__name__} has schema {kind.schema + 1}; this release knows {kind.schema}"
    ):
        kind.from_raw_data(item)
    assert issubclass(LaterSchema, OutOfReach)


def test_an_item_is_upgraded_in_the_table_by_its_next_conditional_write(plant: Plant) -> None:
    table = plant.context.table
    table.put(first().item())
    row = Third.from_raw_data(table.get(KEY) or {})
    assert table.get(KEY) == first().item(), "reading writes nothing"
    row.version, row.sums = 2, [4, 9]
    table.put(row.item(), "v = :v", None, {":v": number(1)})
    upgraded = {"pk": text(KEY[0]), "sk": text(KEY[1]), "v": number(2), "sums": text("[4,9]"), "unit": text("xp")}
    assert table.get(KEY) == {**upgraded, SCHEMA: number(3)}
    # A writer of an earlier release that read the item before loses; one that reads it now learns why.
    with pytest.raises(ConditionFailed):
        table.put(first(2).item(), "v = :v", None, {":v": number(1)})
    with pytest.raises(LaterSchema):
        First.from_raw_data(table.get(KEY) or {})
    assert table.get(KEY) == {**upgraded, SCHEMA: number(3)}
