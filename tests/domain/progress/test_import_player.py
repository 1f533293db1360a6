"""Tests of imported players: what an import pays, and what it leaves to later events."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from typing import Any

import pytest

from tests.domain.progress.desk import Desk


def bring(desk: Desk, **figures: Any) -> Any:
    return desk.apply(desk.event("player.imported", data=figures, source="laurel/import", id="old", time=None))


@pytest.mark.parametrize("xp", [0, 30_000])
def test_an_import_leaves_levels_of_a_new_ruleset_to_the_next_event(desk: Desk, xp: int) -> None:
    """The next event of a player pays the levels that lower thresholds let the player reach."""
    desk.send("award", data={"points": 3_000, "reason": "r"})
    player, rules = desk.player(), desk.rules
    assert player.rewarded_level == player.level(rules)
    lower = tuple(threshold // 3 for threshold in rules.levels.thresholds)
    desk.rules = copy(rules)
    desk.rules.levels = replace(rules.levels, thresholds=lower)
    unpaid = player.level(desk.rules) - player.rewarded_level
    assert unpaid > 0
    applied = bring(desk, xp=xp)
    assert (applied.credits, applied.entry.levels) == ([], None)
    (credit,) = desk.apply(desk.event("ruleset.applied")).credits  # type: ignore[union-attr]
    assert rules.ruleset.levels.reward
    assert credit.causes == {"level_up": unpaid * rules.ruleset.levels.reward.amount}
    assert player.rewarded_level == player.level(desk.rules)
    assert desk.apply(desk.event("ruleset.applied")).credits == []  # type: ignore[union-attr]
