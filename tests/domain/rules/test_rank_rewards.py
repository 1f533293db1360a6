"""Ranks that are judged: their players, their rewards, and that they count once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.domain.core.errors import InvalidRuleset, RejectedEvent
from chalicelib.domain.rules import ruleset
from chalicelib.domain.rules.criteria import Rank
from chalicelib.domain.rules.rank_rewards import last_rank, rewards_of
from chalicelib.domain.rules.ruleset import Rules
from tests.domain.progress.desk import Desk

WEEKLY = 'period = "weekly"\nrewards = ['


def judged(
    desk: Desk, rank: int, *, scope: str = "weekly", period: str = "2026-W20", total: int = 50, **more: Any
) -> Any:
    data = {"scope": scope, "period": period, "rank": rank, "total": total}
    return desk.event("rank.judged", data=data, id=f"{scope}:{period}", time=None, **more)


@pytest.fixture
def known(desk: Desk) -> Desk:
    """Return a desk that knows ada."""
    desk.send()
    return desk


def earned(desk: Desk, event: Any) -> Any:
    applied = desk.apply(event)
    assert applied is not None
    return applied


def test_a_rank_among_the_best_earns_its_badge_and_its_reward(known: Desk) -> None:
    applied = earned(known, judged(known, 3))
    assert applied.entry.badges == ["community-leader"]
    assert applied.entry.paid == {"badge_earned": 25}
    assert applied.entry.credits == {"coins": 50}
    assert [credit.causes for credit in applied.credits] == [{"rank_reward": 50}]
    assert applied.entry.note == "weekly 2026-W20: rank 3 of 50"
    assert known.player().ranks == {"weekly": 3}
    assert known.player().counters.get("rank_reward") is None


def test_the_same_period_counts_once(known: Desk) -> None:
    earned(known, judged(known, 3))
    known.now_ms += 10_000
    assert known.apply(judged(known, 3)) is None
    assert known.apply(judged(known, 1)) is None, "judged again after a player was hidden: the first rank stays"
    assert earned(known, judged(known, 1, period="2026-W21")).entry.credits == {"coins": 100}


def test_among_fewer_than_fifty_a_rank_is_rewarded_without_a_badge(known: Desk) -> None:
    applied = earned(known, judged(known, 1, total=49))
    assert (applied.entry.badges, applied.entry.credits) == ([], {"coins": 100})
    assert known.player().ranks == {}


def test_the_best_rank_of_each_scope_stays(known: Desk) -> None:
    for place, (scope, rank) in enumerate((("weekly", 20), ("weekly", 12), ("weekly", 700), ("daily", 40))):
        earned(known, judged(known, rank, scope=scope, period=f"p{place}"))
    assert known.player().ranks == {"weekly": 12, "daily": 40}
    assert not known.player().holds("community-leader")
    assert earned(known, judged(known, 10, scope="global", period="all")).entry.badges == ["community-leader"]


def test_criteria_of_one_scope_and_of_any(changed_rules: Callable[..., Rules]) -> None:
    narrow = changed_rules(('{ type = "rank", top = 10 }', '{ type = "rank", top = 10, scope = "monthly" }'))
    desk = Desk(narrow)
    desk.send()
    assert earned(desk, judged(desk, 1)).entry.badges == []
    assert earned(desk, judged(desk, 10, scope="monthly", period="2026-04")).entry.badges == ["community-leader"]


def test_a_rank_of_an_unknown_player_is_rejected(desk: Desk) -> None:
    with pytest.raises(RejectedEvent) as refused:
        desk.apply(judged(desk, 1))
    assert refused.value.reason == "unknown_player"
    assert desk.players == {}


def test_a_scope_that_the_ruleset_no_longer_has_pays_nothing(known: Desk) -> None:
    assert earned(known, judged(known, 1, scope="yearly", period="2026")).entry.credits == {}


def test_a_changed_ruleset_judges_ranks_of_the_past(known: Desk, changed_rules: Callable[..., Rules]) -> None:
    earned(known, judged(known, 30))
    known.rules = changed_rules(('{ type = "rank", top = 10 }', '{ type = "rank", top = 30 }'))
    assert known.send("ruleset.applied", id="r2").badges == ["community-leader"]


def test_how_far_ranks_are_judged(rules: Rules, changed_rules: Callable[..., Rules]) -> None:
    boards = rules.boards
    assert last_rank(rules, boards["weekly"], 3) == 10, "rewards are paid on any board"
    assert last_rank(rules, boards["daily"], 49) == 0
    assert last_rank(rules, boards["daily"], 50) == 10
    deep = '{ type = "any", criteria = [{ type = "all", criteria = [{ type = "rank", top = 700, scope = "daily" }] }] }'
    changed = changed_rules(('{ type = "rank", top = 10 }', deep))
    assert last_rank(changed, boards["daily"], 50) == 700
    assert last_rank(changed, boards["global"], 50) == 0
    assert Rank(top=1000).met(_Best(1000), "")


class _Best:
    """Only a best rank is known."""

    def __init__(self, rank: int) -> None:
        self.rank = rank

    def best_rank(self, _: str) -> int:
        return self.rank


def test_rewards_are_by_ranges_of_ranks(rules: Rules) -> None:
    weekly = rules.boards["weekly"]
    assert [rewards_of(weekly, rank).get("coins", 0) for rank in (1, 2, 3, 4, 10, 11)] == [100, 50, 50, 20, 20, 0]


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('period = "all"\n', 'period = "all"\nrewards = [{ to = 1, asset = "coins", amount = 1 }]\n', "that end"),
        (WEEKLY, WEEKLY + '{ to = 1, asset = "gold", amount = 1 },', "unknown asset 'gold'"),
        (WEEKLY, WEEKLY + '{ from = 9, to = 8, asset = "tokens", amount = 1 },', "'from' 9 is after 'to' 8"),
        (WEEKLY, WEEKLY + '{ from = 10, to = 12, asset = "coins", amount = 1 },', "paid coins twice"),
        (WEEKLY, WEEKLY + '{ to = 1001, asset = "coins", amount = 1 },', "<= 1000"),
    ],
)
def test_invalid_rewards_are_rejected(default_text: str, old: str, new: str, reason: str) -> None:
    with pytest.raises(InvalidRuleset, match=reason):
        ruleset.parse(default_text.replace(old, new, 1).encode(), "changed.toml")
