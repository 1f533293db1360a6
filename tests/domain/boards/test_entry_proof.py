"""Judgement of an entry that is not on its board."""

from __future__ import annotations

import pytest

from chalicelib.domain.boards.entry_proof import EntryRow, Finding, judge
from chalicelib.domain.progress.scores import BoardUpdate


def row(score: int) -> EntryRow:
    order = "order" if score else ""
    return EntryRow("ada", 4, 9, score, 1_000, "public", "", False, False, order, order, 1, "Beginner")


def state(score: int, version: int = 5) -> BoardUpdate:
    return BoardUpdate(
        "player:ada", score, version, 1_000, 1, "Beginner", "public", name="Ada", private=True, hidden=True
    )


def test_an_entry_without_a_score_may_show_an_old_name() -> None:
    """Test that a rename is not published to boards on which the player has no score."""
    assert judge(row(0), state(0), None) == (Finding.FINE, [])
    assert judge(row(0), state(0), 2_000) == (Finding.FINE, [])


@pytest.mark.parametrize(("version", "finding"), [(5, Finding.IN_FLIGHT), (4, Finding.WRONG)])
def test_an_entry_with_a_score_must_show_the_current_name(version: int, finding: Finding) -> None:
    found, wrong = judge(row(7), state(7, version), None)
    assert found is finding
    assert [expected for expected, _ in wrong] == ["hidden True", "private True", "name 'Ada'"]


def test_a_missing_score_is_reported_as_missing() -> None:
    assert judge(row(0), state(7), None)[1] == [("score 7 at version 5", "0 at version 4")]
