"""The badge table: each badge just below its threshold and at it; every criterion type; fixpoint and hidden badge."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.domain.identity.identity import Identity
from chalicelib.domain.progress.badges import claims_first, earn_badges, grant
from chalicelib.domain.progress.log import Records
from chalicelib.domain.progress.player import EarnedBadge, Player
from chalicelib.domain.rules import ruleset
from chalicelib.domain.rules.ruleset import Rules
from tests.domain.progress.desk import DAY, NOON, Desk

BEFORE_2027 = 1_798_761_600_000


def count(action: str) -> Callable[[Player, int], None]:
    def bring_to(player: Player, value: int) -> None:
        player.counters[action] = value

    return bring_to


def names(unique: str) -> Callable[[Player, int], None]:
    def bring_to(player: Player, value: int) -> None:
        player.sets[unique] = [f"known-{n}" for n in range(value)]

    return bring_to


def shared(player: Player, value: int) -> None:
    player.stats["tokensShared"] = value


def days(player: Player, value: int) -> None:
    for ago in range(value, 0, -1):
        player.streak.add(NOON // DAY - ago)


REQUEST: tuple[str, dict[str, Any]] = ("request.completed", {})
SHARE: tuple[str, dict[str, Any]] = ("transfer.sent", {"to": "bob", "amount": 1})
# name, category, rarity, at, how to come near, the event that makes one more
TABLE = [
    ("First Steps", "usage", "common", 1, count("request"), REQUEST),
    ("Getting Warmed Up", "usage", "common", 100, count("request"), REQUEST),
    ("Power User", "usage", "uncommon", 1_000, count("request"), REQUEST),
    ("Centurion", "usage", "rare", 10_000, count("request"), REQUEST),
    ("OmniPower", "usage", "legendary", 100_000, count("request"), REQUEST),
    ("Provider Hopper", "contribution", "common", 5, names("providers"), ("request.completed", {"provider": "new"})),
    ("Provider Master", "contribution", "uncommon", 20, names("providers"), ("request.completed", {"provider": "new"})),
    ("Model Explorer", "contribution", "uncommon", 15, names("models"), ("request.completed", {"model": "new"})),
    ("Combo Architect", "contribution", "uncommon", 5, count("combo_create"), ("combo.created", {})),
    ("Combo Grandmaster", "contribution", "rare", 25, count("combo_create"), ("combo.created", {})),
    ("First Share", "sharing", "common", 1, count("token_share"), SHARE),
    ("Generous", "sharing", "uncommon", 10, count("token_share"), SHARE),
    ("Philanthropist", "sharing", "rare", 10_000, shared, SHARE),
    ("Referrer", "sharing", "common", 1, count("referral"), ("referral.redeemed", {})),
    ("Network Builder", "sharing", "uncommon", 10, count("referral"), ("referral.redeemed", {})),
    ("Week Warrior", "streak", "uncommon", 7, days, REQUEST),
    ("Monthly Devoted", "streak", "rare", 30, days, REQUEST),
    ("Unstoppable", "streak", "legendary", 365, days, REQUEST),
    ("Compression Pioneer", "rare", "uncommon", 100, count("compression_use"), ("compression.used", {})),
    ("Skill Collector", "rare", "rare", 10, names("skills"), ("request.completed", {"skillUsed": "new"})),
]


@pytest.mark.parametrize(("name", "category", "rarity", "at", "near", "one_more"), TABLE, ids=[row[0] for row in TABLE])
def test_each_badge_just_below_and_at_its_threshold(
    desk: Desk,
    name: str,
    category: str,
    rarity: str,
    at: int,
    near: Callable[[Player, int], None],
    one_more: tuple[str, dict[str, Any]],
) -> None:
    badge = next(badge for badge in desk.rules.badges.values() if badge.name == name)
    assert (badge.category, badge.rarity, badge.hidden) == (category, rarity, False)
    type_, data = one_more
    if at > 1:
        below = desk.players["below"] = fresh(desk, "below")
        near(below, at - 2)
        assert badge.id not in desk.send(type_, "below", data=data).badges
    player = desk.players["ada"] = fresh(desk, "ada")
    near(player, at - 1)
    entry = desk.send(type_, data=data)
    assert badge.id in entry.badges
    assert entry.paid["badge_earned"] == 25 * len(entry.badges)
    assert player.badges[badge.id] == EarnedBadge(NOON)
    assert badge.id not in desk.send(type_, data=data).badges


def fresh(desk: Desk, player: str) -> Player:
    return Player(player, Identity("account", "public", desk.now_ms))


def test_the_table_is_whole(rules: Rules) -> None:
    others = {"Early Adopter", "Community Leader", "Laureate"}
    assert [badge.name for badge in rules.badges.values() if badge.name not in others] == [row[0] for row in TABLE]
    assert {badge.name for badge in rules.badges.values() if badge.category == "rare"} == others | {
        "Compression Pioneer",
        "Skill Collector",
    }
    rarities = {badge.name: badge.rarity for badge in rules.badges.values() if badge.name in others}
    assert rarities == {"Early Adopter": "legendary", "Community Leader": "rare", "Laureate": "legendary"}
    assert [badge.name for badge in rules.badges.values() if badge.hidden] == ["Laureate"]


@pytest.mark.parametrize(("joined", "earned"), [(BEFORE_2027 - 1, True), (BEFORE_2027, False)])
def test_early_adopter_joined_before_a_date(rules: Rules, joined: int, earned: bool) -> None:
    desk = Desk(rules, joined)
    assert ("early-adopter" in desk.send().badges) is earned
    desk.now_ms += DAY
    assert "early-adopter" not in desk.send().badges


def test_a_player_made_by_a_key_joined_then(rules: Rules) -> None:
    desk = Desk(rules, BEFORE_2027 + DAY)
    desk.players["ada"] = Player("ada", Identity("a", "p", BEFORE_2027 - 1), version=1)
    assert "early-adopter" in desk.send("combo.created").badges


def test_joining_by_an_event_that_only_counts_for_stats(desk: Desk) -> None:
    assert desk.send(data={"status": "error"}).badges == ["early-adopter"]


def test_no_rank_is_judged_yet(desk: Desk) -> None:
    assert "community-leader" not in desk.send("award", data={"points": 10_000, "reason": "r"}).badges


def test_a_jump_past_several_thresholds_earns_all_of_them(desk: Desk) -> None:
    player = desk.players["ada"] = fresh(desk, "ada")
    player.version, player.counters["request"] = 1, 9_999
    entry = desk.send()
    usage = ["first-steps", "getting-warmed-up", "power-user", "centurion"]
    assert entry.badges == usage, "in the ruleset's order"
    assert entry.paid["badge_earned"] == 100
    assert player.counters["badge_earned"] == 4


def test_badge_xp_counts_on_the_day_of_the_event_and_may_raise_the_level(desk: Desk) -> None:
    desk.send("award", data={"points": 230, "reason": "r"})
    entry = desk.send(time_ms=NOON - DAY)
    assert entry.paid == {"request": 1, "daily_login": 3, "badge_earned": 25}
    assert entry.levels == (1, 2)
    assert desk.player().day_stats_of(NOON // DAY - 1).xp == 29


# Criteria of other rulesets ----------------------------------------------------------------------------------------


def badge(name: str, criterion: str, hidden: bool = False) -> str:
    return f"""
[[badges]]
id = "{name.lower()}"
name = "{name}"
description = "{name}."
icon = "*"
category = "rare"
rarity = "common"
hidden = {str(hidden).lower()}
criterion = {criterion}
"""


@pytest.fixture
def with_badges(default_text: str) -> Callable[..., Desk]:
    """Return a function that makes a deployment whose ruleset has only these badges."""

    def build(*badges: str) -> Desk:
        head = default_text[: default_text.index("[[badges]]")]
        return Desk(ruleset.parse((head + "".join(badges)).encode(), "badges.toml"))

    return build


def test_badges_are_judged_to_a_fixpoint(with_badges: Callable[..., Desk]) -> None:
    desk = with_badges(
        badge("Third", '{ type = "stat", stat = "xp", at_least = 54 }'),
        badge("Second", '{ type = "stat", stat = "xp", at_least = 29 }'),
        badge("First", '{ type = "action_count", action = "request", at_least = 1 }'),
    )
    entry = desk.send()
    assert sorted(entry.badges) == ["first", "second", "third"]
    assert entry.badges[0] == "first", "each round's XP meets the next"
    assert desk.player().xp == 4 + 75


@pytest.mark.parametrize(
    ("criterion", "below", "at"),
    [
        ('{ type = "stat", stat = "tokensIn", at_least = 100 }', {"tokensIn": 99}, {"tokensIn": 100}),
        ('{ type = "stat", stat = "cacheHits", at_least = 1 }', {}, {"cacheHit": True}),
        ('{ type = "stat", stat = "requests", at_least = 1 }', None, {"status": "error"}),
        ('{ type = "stat", stat = "daysActive", at_least = 1 }', {"status": "error"}, {}),
        ('{ type = "stat", stat = "models", at_least = 1 }', {}, {"model": "m"}),
        ('{ type = "amount_total", amount = "costSavedMicroUsd", at_least = 5 }', {}, {"costSavedMicroUsd": 5}),
        ('{ type = "unique_count", unique = "callers", at_least = 2 }', {"caller": "a"}, {"caller": "b"}),
        ('{ type = "unique_count", unique = "subscriptions", at_least = 1 }', {}, {"subscriptionId": "s"}),
        ('{ type = "streak", days = 1 }', {"status": "rejected"}, {}),
        ('{ type = "stat", stat = "xp", at_least = 5 }', {}, {"comboId": "c"}),
    ],
)
def test_criteria_of_stats(
    with_badges: Callable[..., Desk], criterion: str, below: dict[str, Any] | None, at: dict[str, Any]
) -> None:
    desk = with_badges(badge("Mark", criterion))
    if below is not None:
        assert desk.send(data=below).badges == []
    assert desk.send(data=at).badges == ["mark"]


def test_a_level_is_a_stat(with_badges: Callable[..., Desk]) -> None:
    desk = with_badges(badge("Riser", '{ type = "stat", stat = "level", at_least = 2 }'))
    assert desk.send("award", data={"points": 281, "reason": "a"}).badges == []
    assert desk.send("award", data={"points": 1, "reason": "b"}).badges == ["riser"]


def test_the_first_player_ever_by_commit(with_badges: Callable[..., Desk]) -> None:
    desk = with_badges(badge("Pioneer", '{ type = "first", action = "lesson" }'))
    assert desk.send("combo.created").badges == []
    assert desk.send("lesson.completed", "bob", data={"lessonId": "l"}).badges == ["pioneer"]
    assert desk.records["bob"].new_firsts == {"pioneer"}
    assert desk.firsts == {"pioneer": "bob"}
    assert desk.send("lesson.completed", "ada", data={"lessonId": "l"}).badges == []
    assert desk.send("lesson.completed", "bob", data={"lessonId": "m"}).badges == []


def test_the_first_player_keeps_the_claim_of_the_record(with_badges: Callable[..., Desk]) -> None:
    desk = with_badges(badge("Pioneer", '{ type = "first", action = "lesson" }'))
    desk.firsts["pioneer"] = "ada"
    assert desk.send("lesson.completed", "bob", data={"lessonId": "l"}).badges == []
    assert desk.send("lesson.completed", "ada", data={"lessonId": "l"}).badges == ["pioneer"]


def test_earning_by_another_criterion_leaves_the_first_place_free(with_badges: Callable[..., Desk]) -> None:
    lesson, points = '{ type = "first", action = "lesson" }', '{ type = "stat", stat = "xp", at_least = 100 }'
    desk = with_badges(badge("Either", f'{{ type = "any", criteria = [{lesson}, {points}] }}'))
    assert claims_first(desk.rules.badges["either"].criterion)
    assert desk.send("award", data={"points": 100, "reason": "r"}).badges == ["either"]
    assert desk.firsts == {}
    assert desk.send("lesson.completed", "bob", data={"lessonId": "l"}).badges == ["either"]
    assert desk.firsts == {"either": "bob"}
    assert desk.send("lesson.completed", "eve", data={"lessonId": "l"}).badges == []


def test_any_of_others(with_badges: Callable[..., Desk]) -> None:
    desk = with_badges(
        badge("Combiner", '{ type = "action_count", action = "combo_create", at_least = 1 }'),
        badge("Winner", '{ type = "action_count", action = "tournament_win", at_least = 1 }'),
        badge("Either", '{ type = "any", badges = ["combiner", "winner"] }'),
    )
    assert desk.send().badges == []
    assert desk.send("tournament.won").badges == ["winner", "either"]
    assert desk.send("combo.created").badges == ["combiner"]


def test_all_of_others(with_badges: Callable[..., Desk]) -> None:
    combo = '{ type = "action_count", action = "combo_create", at_least = 1 }'
    win = '{ type = "action_count", action = "tournament_win", at_least = 1 }'
    desk = with_badges(badge("Both", f'{{ type = "all", criteria = [{combo}, {win}] }}'))
    assert desk.send("combo.created").badges == []
    assert desk.send("tournament.won").badges == ["both"]


LATE = '{ type = "first", joined_before = 2020-01-01 }'
COMBO = '{ type = "action_count", action = "combo_create", at_least = 1 }'


@pytest.mark.parametrize(
    ("criterion", "met"),
    [
        (f'{{ type = "all", criteria = [{LATE}, {COMBO}] }}', True),
        (f'{{ type = "all", criteria = [{LATE}] }}', False),
        (f'{{ type = "all", criteria = [{COMBO}, {{ type = "all", criteria = [{LATE}] }}] }}', True),
        (f'{{ type = "all", criteria = [{COMBO}, {{ type = "any", criteria = [{LATE}] }}] }}', True),
        (f'{{ type = "all", criteria = [{COMBO}, {{ type = "any", criteria = [{LATE}, {COMBO}] }}] }}', True),
        (f'{{ type = "all", criteria = [{COMBO}, {{ type = "rank", top = 1 }}] }}', False),
        (f'{{ type = "any", criteria = [{LATE}] }}', False),
    ],
)
def test_all_skips_criteria_that_the_player_can_no_longer_meet(
    with_badges: Callable[..., Desk], criterion: str, met: bool
) -> None:
    desk = with_badges(badge("Mark", criterion))
    assert desk.send("combo.created").badges == (["mark"] if met else [])


def test_the_hidden_badge_is_all_the_others_that_can_still_be_earned(with_badges: Callable[..., Desk]) -> None:
    desk = with_badges(
        badge("Everything", '{ type = "all", badges = ["*"] }', hidden=True),
        badge("Combiner", COMBO),
        badge("Early", LATE),
        badge("Pioneer", '{ type = "first", action = "lesson" }'),
        badge("Winner", '{ type = "action_count", action = "tournament_win", at_least = 1 }'),
    )
    assert desk.send("combo.created").badges == ["combiner"]
    assert desk.send("tournament.won").badges == ["winner"], "being first can still be earned"
    desk.send("tournament.won", "bob")
    desk.send("lesson.completed", "bob", data={"lessonId": "l"})
    desk.firsts["pioneer"] = "bob"
    assert desk.send("combo.created", "bob").badges == ["combiner", "everything"]
    assert desk.send("badge.revoked", "eve", data={"badgeId": "winner"}).badges == []
    assert desk.send("combo.created", "eve").badges == ["combiner"]
    assert desk.send("tournament.won", "eve").badges == ["winner", "everything"], "the first place is taken"


def test_a_revoked_badge_no_longer_delays_the_hidden_badge(with_badges: Callable[..., Desk]) -> None:
    desk = with_badges(
        badge("Everything", '{ type = "all", badges = ["*"] }'),
        badge("Combiner", COMBO),
        badge("Winner", '{ type = "action_count", action = "tournament_win", at_least = 1 }'),
    )
    desk.send("combo.created")
    desk.send("badge.revoked", data={"badgeId": "combiner"})
    assert desk.send("tournament.won").badges == ["winner", "everything"]


def test_laureate_waits_for_a_rank(desk: Desk) -> None:
    player = desk.players["ada"] = fresh(desk, "ada")
    for badge_id in desk.rules.badges:
        if badge_id not in ("laureate", "community-leader", "first-steps"):
            grant(player, badge_id, NOON)
    assert desk.send().badges == ["first-steps"]
    assert desk.send("badge.granted", data={"badgeId": "community-leader"}).badges == ["community-leader", "laureate"]


def test_only_badges_whose_criterion_names_a_changed_fact_are_evaluated(rules: Rules) -> None:
    player = Player("ada", Identity("a", "p", NOON), counters={"request": 500, "combo_create": 500})
    assert earn_badges(player, [], Records(), rules, NOON) == []
    assert earn_badges(player, ["action:combo_create"], Records(), rules, NOON) == [
        "combo-architect",
        "combo-grandmaster",
    ]
    assert earn_badges(player, ["action:combo_create", "streak", "rank"], Records(), rules, NOON) == []
