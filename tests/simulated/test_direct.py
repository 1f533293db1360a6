"""The direct client answers as botocore does."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from chalicelib.domain.core.errors import LostRace
from chalicelib.store.boards.bulk import Wire, query_as
from chalicelib.store.core.table import ConditionFailed, Table
from tests.boards import scenario as boards
from tests.economy import scenario as economy
from tests.pipeline import scenario as pipeline
from tests.pipeline.plant import build
from tests.simulated.world import World

ITEM = {"pk": {"S": "a"}, "sk": {"S": "b"}, "n": {"N": "1"}, "raw": {"B": b"\x00\xff"}, "l": {"L": [{"B": b"x"}]}}
KEY = ("a", "b")


class Row(msgspec.Struct):
    sk: Wire
    raw: Wire


@pytest.fixture(params=["botocore", "direct"])
def table(request: pytest.FixtureRequest) -> Table:
    return build(1, botocore=request.param == "botocore").context.table


def test_items_come_back_as_they_were_put(table: Table) -> None:
    table.put(ITEM)
    assert table.get(KEY) == ITEM
    assert table.get_many([KEY, ("a", "other")]) == {KEY: ITEM}
    assert list(table.query_all("a")) == [ITEM]


def test_pages_are_decoded_in_bulk(table: Table) -> None:
    for number in range(3):
        table.put(ITEM | {"sk": {"S": str(number)}})
    rows, start = query_as(table, Row, "a", limit=2)
    assert [(row.sk.S, row.raw.B) for row in rows] == [("0", b"\x00\xff"), ("1", b"\x00\xff")]
    assert [row.sk.S for row in query_as(table, Row, "a", start)[0]] == ["2"]


def test_callers_share_nothing_with_the_table(table: Table) -> None:
    item: Any = {**ITEM, "m": {"M": {"x": {"N": "1"}}}}
    table.put(item)
    item["m"]["M"]["x"]["N"] = "2"
    table.get(KEY)["m"]["M"]["x"]["N"] = "3"  # type: ignore[index]
    assert table.get(KEY)["m"]["M"]["x"]["N"] == "1"  # type: ignore[index]


def test_refusals_are_the_same(table: Table) -> None:
    with pytest.raises(ConditionFailed) as refused:
        table.put(ITEM, "attribute_exists(pk)")
    assert refused.value.failed == (0,)
    tx = table.transaction()
    tx.put(ITEM)
    tx.check(("a", "other"), "attribute_exists(pk)")
    with pytest.raises(ConditionFailed) as refused:
        tx.commit()
    assert refused.value.failed == (1,)
    assert isinstance(refused.value, LostRace)
    with pytest.raises(Exception, match="ValidationException"):
        table.update(KEY, "SET")


@pytest.mark.parametrize("simulation", [pipeline, boards, economy])
def test_a_seed_takes_the_same_steps_through_botocore(simulation: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def world(*, botocore: bool) -> World:
        monkeypatch.setattr(
            simulation, "build", lambda *given, **named: build(*given, **named | {"botocore": botocore})
        )
        return simulation.run(3).world

    direct, through_botocore = world(botocore=False), world(botocore=True)
    assert direct.trace == through_botocore.trace
    assert direct.fault_counts == through_botocore.fault_counts
