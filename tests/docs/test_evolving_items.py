"""Tests of the example of the guide to evolving items."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.store.core.models import SCHEMA, Item, Kind
from tests.docs.pages import page

OLD: Item = {"pk": {"S": "a"}, "sk": {"S": "b"}, "v": {"N": "1"}, "week": {"N": "3"}, "month": {"N": "8"}}


@pytest.fixture(scope="module")
def first_release() -> Any:
    """Return the kind of the guide's first release."""
    scope: dict[str, Any] = {}
    for block in page("docs/guides/evolving-items.md").blocks:
        exec(compile(block.text, "evolving-items.md", "exec"), scope)
    return scope["SampleItem"]


@pytest.fixture
def second_release(first_release: type[Kind]) -> Any:
    return type("SampleItem", (first_release,), {"downgrade": None})


def test_the_first_release_reads_both_schemas_and_writes_the_old_one(first_release: Any, second_release: Any) -> None:
    row = first_release.from_raw_data(OLD)
    assert (row.version, row.sums) == (1, [3, 8])
    assert row.item() == OLD
    new = second_release.from_raw_data(OLD).item()
    assert first_release.from_raw_data(new).item() == OLD


def test_the_second_release_writes_the_new_schema(second_release: Any) -> None:
    new = second_release.from_raw_data(OLD).item()
    assert new[SCHEMA] == {"N": "2"}
    assert new["sums"] == {"L": [{"N": "3"}, {"N": "8"}]}
    assert second_release.from_raw_data(new).item() == new
