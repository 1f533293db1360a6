"""Event types, actions, XP, daily maxima; what a request derives; once per lesson; what pays nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.domain.core.settings import DERIVED
from chalicelib.domain.rules.ruleset import Rules
from tests.domain.progress.desk import DAY, HOUR, NOON, Desk

# event type, data, action, XP, per day at most
PAID = [
    ("request.completed", {}, "request", 1, None),
    ("provider.switch", {}, "provider_switch", 5, 20),
    ("combo.created", {}, "combo_create", 10, 20),
    ("combo.used", {}, "combo_use", 2, None),
    ("compression.used", {}, "compression_use", 2, None),
    ("skill.executed", {}, "skill_use", 2, None),
    ("model.first_use", {}, "model_diversity", 3, 20),
    ("transfer.sent", {"to": "bob", "amount": 5}, "token_share", 5, 20),
    ("referral.redeemed", {}, "referral", 50, None),
    ("lesson.completed", {"lessonId": "l1"}, "lesson", 20, None),
    ("tournament.won", {}, "tournament_win", 50, None),
    ("tournament.lost", {}, "tournament_loss", 5, None),
]


@pytest.mark.parametrize(("type_", "data", "action", "xp", "most"), PAID)
def test_each_type_pays_its_action(
    desk: Desk, type_: str, data: dict[str, Any], action: str, xp: int, most: int | None
) -> None:
    entry = desk.send(type_, data=data)
    assert entry.paid[action] == xp
    assert desk.player().counters[action] == 1
    assert desk.rules.actions[action].daily_max == most


def test_the_table_is_whole(rules: Rules) -> None:
    bonuses = {"daily_login": 3, "streak_milestone": 15, "badge_earned": 25, "award": 0}
    assert {name: rule.xp for name, rule in rules.actions.items()} == {row[2]: row[3] for row in PAID} | bonuses
    assert rules.ruleset.events == {row[0]: row[2] for row in PAID} | {"award": "award"}
    maxima = {name: rule.daily_max for name, rule in rules.actions.items() if rule.daily_max is not None}
    assert maxima == {row[2]: row[4] for row in PAID if row[4]}
    assert [name for name, rule in rules.actions.items() if rule.streak_day] == ["request"]


@pytest.mark.parametrize(
    ("type_", "data", "credits"),
    [
        ("lesson.completed", {"lessonId": "l"}, {"coins": 10}),
        ("tournament.won", {}, {"coins": 25}),
        ("combo.used", {}, {}),
    ],
)
def test_coins(desk: Desk, type_: str, data: dict[str, Any], credits: dict[str, int]) -> None:
    desk.send("award", data={"points": 300, "reason": "the first level is behind"})
    applied = desk.apply(desk.event(type_, data=data))
    assert applied is not None
    assert applied.entry.credits == credits
    assert {credit.asset: credit.amount for credit in applied.credits} == credits


@pytest.mark.parametrize(("type_", "action"), [(row[0], row[2]) for row in PAID if row[4]])
def test_beyond_a_daily_maximum_an_action_is_counted_and_pays_nothing(desk: Desk, type_: str, action: str) -> None:
    data = {"amount": 1} if type_ == "transfer.sent" else {}
    for number in range(20):
        assert desk.send(type_, data=data | {"to": f"p{number}"}).paid.get(action), number
    over = desk.send(type_, data=data | {"to": "p99"})
    assert (action in over.paid, over.unpaid) == (False, {action: "daily_max"})
    assert desk.player().counters[action] == 21
    other_day = desk.send(type_, time_ms=NOON - DAY, data=data | {"to": "p99"})
    assert action in other_day.paid


def test_unlimited_actions_have_no_maximum(desk: Desk) -> None:
    entries = [desk.send("combo.used") for _ in range(50)]
    assert all(entry.paid["combo_use"] == 2 for entry in entries)


def test_three_paid_transfers_a_day_and_pair(desk: Desk) -> None:
    def share(to: str, time_ms: int = NOON) -> dict[str, str]:
        return desk.send("transfer.sent", time_ms=time_ms, data={"to": to, "amount": 10}).unpaid

    assert [share("bob") for _ in range(4)] == [{}, {}, {}, {"token_share": "daily_max_per_pair"}]
    assert share("eve") == {}
    assert share("bob", NOON - DAY) == {}
    assert desk.player().counters["token_share"] == 6
    assert desk.player().stats["tokensShared"] == 60


def test_an_unpaid_transfer_takes_no_place_of_the_day(desk: Desk) -> None:
    for _ in range(10):
        desk.send("transfer.sent", data={"to": "bob", "amount": 1})
    others = [desk.send("transfer.sent", data={"to": f"p{n}", "amount": 1}).unpaid for n in range(18)]
    assert others == [{}] * 17 + [{"token_share": "daily_max"}]


def test_tokens_shared_are_netted_by_pair(desk: Desk) -> None:
    desk.send("transfer.sent", data={"to": "bob", "amount": 100})
    desk.send("transfer.received", data={"from": "bob", "amount": 30})
    assert (desk.player().stats["tokensShared"], desk.player().stats["tokensSharedNet"]) == (100, 70)
    desk.send("transfer.received", data={"from": "bob", "amount": 500})
    desk.send("transfer.sent", data={"to": "eve", "amount": 5})
    assert desk.player().stats["tokensSharedNet"] == 5
    assert desk.player().counters["token_share"] == 2


# What a request derives --------------------------------------------------------------------------------------------


def test_a_provider_other_than_the_last_is_a_switch(desk: Desk) -> None:
    def use(provider: str | None, late_ms: int = 0) -> bool:
        desk.now_ms += 1
        return "provider_switch" in desk.send(time_ms=desk.now_ms - late_ms, data={"provider": provider}).paid

    assert not use("openai"), "not for the first ever"
    assert not use("openai")
    assert use("anthropic")
    assert not use(None)
    assert not use("anthropic")
    assert use("openai", late_ms=HOUR), "it differs from the last one"
    assert not use("anthropic"), "a late event never becomes the last"
    assert use("openai")


def test_an_event_of_the_very_same_moment_is_not_late(desk: Desk) -> None:
    desk.send(data={"provider": "a"})
    desk.send(data={"provider": "b"})
    assert "provider_switch" in desk.send(data={"provider": "a"}).paid


def test_switches_stop_paying_at_20_a_day(desk: Desk) -> None:
    entries = [desk.send(data={"provider": "ab"[n % 2]}) for n in range(23)]
    assert sum("provider_switch" in entry.paid for entry in entries) == 20
    assert [entry.unpaid for entry in entries[21:]] == [{"provider_switch": "daily_max"}] * 2


@pytest.mark.parametrize(
    ("data", "action"),
    [
        ({"comboId": "c1"}, "combo_use"),
        ({"compressionUsed": True}, "compression_use"),
        ({"compressionUsed": "lz"}, "compression_use"),
        ({"skillUsed": True}, "skill_use"),
        ({"skillUsed": "translate"}, "skill_use"),
        ({"model": "gpt"}, "model_diversity"),
    ],
)
def test_members_of_a_request_derive_actions(
    desk: Desk, changed_rules: Callable[..., Rules], data: dict[str, Any], action: str
) -> None:
    assert desk.send(data=data).paid[action] == desk.rules.actions[action].xp
    others = [name for name in DERIVED if name != action]
    line = 'derive = ["provider_switch", "model_diversity", "combo_use", "compression_use", "skill_use"]'
    off = Desk(changed_rules((line, f"derive = {others}".replace("'", '"'))))
    assert action not in off.send(data=data).paid
    assert off.player().counters.get(action) is None


@pytest.mark.parametrize("data", [{}, {"comboId": None}, {"compressionUsed": False, "skillUsed": False}])
def test_a_bare_request_derives_nothing(desk: Desk, data: dict[str, Any]) -> None:
    assert set(desk.send(data=data).paid) == {"request", "daily_login", "badge_earned"}


def test_derivation_of_switches_can_be_switched_off(changed_rules: Callable[..., Rules]) -> None:
    desk = Desk(changed_rules(('derive = ["provider_switch", ', "derive = [")))
    desk.send(data={"provider": "a"})
    assert "provider_switch" not in desk.send(data={"provider": "b"}).paid
    assert desk.send("provider.switch").paid["provider_switch"] == 5
    assert desk.player().sets["providers"] == ["a", "b"]


def test_all_that_one_request_may_derive_at_once(desk: Desk) -> None:
    desk.send(data={"provider": "a"})
    data = {"provider": "b", "model": "m", "comboId": "c", "compressionUsed": True, "skillUsed": "s"}
    assert desk.send(data=data).paid == {
        "request": 1,
        "provider_switch": 5,
        "model_diversity": 3,
        "combo_use": 2,
        "compression_use": 2,
        "skill_use": 2,
    }


# Once a day, once a lesson -----------------------------------------------------------------------------------------


def test_the_first_paid_request_of_a_utc_day_is_a_login(desk: Desk) -> None:
    midnight = NOON + DAY // 2
    desk.now_ms = midnight + HOUR
    times = [midnight - 1, midnight - 2, midnight, midnight + 5, midnight - DAY - 1]
    logins = ["daily_login" in desk.send(time_ms=time).paid for time in times]
    assert logins == [True, False, True, False, True]
    assert desk.player().counters["daily_login"] == 3


def test_other_events_are_no_login(desk: Desk) -> None:
    assert "daily_login" not in desk.send("combo.created").paid
    assert desk.send().paid["daily_login"] == 3


def test_a_ruleset_without_login(changed_rules: Callable[..., Rules]) -> None:
    desk = Desk(changed_rules(("daily_login = { xp = 3 }\n", "")))
    assert set(desk.send().paid) == {"request", "badge_earned"}


def test_a_lesson_pays_the_first_time_only(desk: Desk) -> None:
    first = desk.send("lesson.completed", data={"lessonId": "l1"})
    again = desk.send("lesson.completed", data={"lessonId": "l1"}, time_ms=NOON - 3 * DAY)
    other = desk.send("lesson.completed", data={"lessonId": "l2"})
    assert (first.paid["lesson"], first.credits) == (20, {"coins": 10})
    assert ("lesson" in again.paid, again.unpaid, again.credits) == (False, {"lesson": "once_per_lessonId"}, {})
    assert other.paid["lesson"] == 20
    assert desk.player().counters["lesson"] == 3
    assert desk.records["ada"].new_once == {"lesson/l1", "lesson/l2"}


def test_another_player_s_lesson_is_another(desk: Desk) -> None:
    desk.send("lesson.completed", data={"lessonId": "l1"})
    assert desk.send("lesson.completed", player="bob", data={"lessonId": "l1"}).paid["lesson"] == 20


def test_bonuses_obey_their_rules_like_other_actions(changed_rules: Callable[..., Rules]) -> None:
    rules = changed_rules(
        ("daily_login = { xp = 3 }", "daily_login = { xp = 3, credits = { coins = 2 } }"),
        ("badge_earned = { xp = 25 }", "badge_earned = { xp = 25, daily_max = 1 }"),
        ("streak_milestone = { xp = 15 }\n", ""),
        ("milestones = [7, 14,", "milestones = [2, 14,"),
        ("skill_use = { xp = 2 }\n", ""),
        ('"skill.executed" = "skill_use"\n', ""),
    )
    desk = Desk(rules)
    entry = desk.send(data={"skillUsed": True})
    assert (entry.credits, entry.badges) == ({"coins": 2}, ["first-steps", "early-adopter"])
    assert (entry.paid["badge_earned"], entry.unpaid) == (25, {"badge_earned": "daily_max"})
    assert desk.send(time_ms=NOON - DAY).milestones == [2]
    assert set(desk.player().counters) == {"request", "daily_login", "badge_earned"}


# What is not paid --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["error", "rejected"])
def test_a_failed_request_is_log_and_stats_only(desk: Desk, status: str) -> None:
    desk.send(time_ms=NOON - 3 * DAY, data={"provider": "a"})
    before = desk.observed()
    figures = {"tokensIn": 10, "tokensOut": 5, "costMicroUsd": 7, "cacheHit": True, "tokensSaved": 3}
    extra = {"provider": "b", "model": "m", "comboId": "c", "skillUsed": "s", "compressionUsed": True}
    entry = desk.send(data=figures | extra | {"status": status, "latencyMs": 12, "fallbackUsed": True})
    after = desk.observed()
    assert (entry.paid, entry.unpaid, entry.status) == ({}, {}, status)
    assert (entry.provider, entry.model, entry.latency_ms, entry.fallback) == ("b", "m", 12, True)
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"stats", "entries"}
    assert after["stats"]["requests"] == 2
    assert after["stats"]["tokensIn"] == 10
    assert "daily_login" in desk.send(data={"provider": "a"}).paid


def test_an_unknown_type_changes_nothing_but_the_log(desk: Desk) -> None:
    desk.send(time_ms=NOON - DAY)
    before, player = desk.observed(), desk.player()
    stamps = (player.version, player.xp_at, dict(player.open_periods), dict(player.sums_at), player.day)
    applied = desk.apply(desk.event("coffee.brewed", data={"model": "m", "provider": "p"}))
    assert applied is not None
    assert (applied.known, applied.entry.paid, applied.credits) == (False, {}, [])
    assert stamps == (player.version, player.xp_at, player.open_periods, player.sums_at, player.day)
    after = desk.observed()
    assert {name for name in after if after[name] != before[name]} == {"entries"}


def test_an_unknown_type_makes_no_player(desk: Desk) -> None:
    assert desk.outcome(desk.event("coffee.brewed")) == "unknown"
    assert desk.players == {}


def test_a_repeated_event_changes_nothing(desk: Desk) -> None:
    events = [
        desk.event(data={"provider": "a"}),
        desk.event(time=None),
        desk.event("award", data={"points": 5, "reason": "r"}),
    ]
    for event in events:
        assert desk.outcome(event) == "applied"
    before = desk.observed()
    desk.now_ms += DAY
    assert [desk.outcome(event) for event in events] == ["duplicate"] * 3
    assert desk.observed() == before


def test_the_same_identity_with_another_body_is_counted_and_the_first_wins(desk: Desk) -> None:
    desk.send(data={"provider": "a"}, id="x")
    before = desk.observed()
    assert desk.outcome(desk.event(data={"provider": "b"}, id="x")) == "mismatch"
    assert desk.observed() == before


def test_another_player_or_source_is_another_event(desk: Desk) -> None:
    assert desk.outcome(desk.event(id="x")) == "applied"
    assert desk.outcome(desk.event(id="x", player="bob")) == "applied"
    assert desk.outcome(desk.event(id="x", source="other")) == "applied"
    assert desk.outcome(desk.event(id="x", time=None)) == "applied"


# Stats -------------------------------------------------------------------------------------------------------------


def test_stats_of_requests(desk: Desk) -> None:
    data = {
        "provider": "a", "model": "m", "caller": "c", "subscriptionId": "s", "skill": "k",
        "tokensIn": 10, "tokensOut": 20, "costMicroUsd": 30, "tokensSaved": 4, "costSavedMicroUsd": 5,
        "cacheHit": True, "semanticHit": True, "raceWon": True, "factStored": True,
    }  # fmt: skip
    desk.send(data=data)
    desk.send(data=data | {"cacheHit": False, "caller": "c2"})
    player = desk.player()
    assert player.stats == {
        "requests": 2, "tokensIn": 20, "tokensOut": 40, "costMicroUsd": 60, "tokensSaved": 8, "costSavedMicroUsd": 10,
        "cacheHits": 1, "semanticHits": 2, "racesWon": 2, "factsStored": 2, "daysActive": 1,
    }  # fmt: skip
    assert player.stat("callers") == 2
    assert player.stat("requests") == 2
    assert player.stat("tokensShared") == 0
    with pytest.raises(KeyError):
        player.stat("nonsense")


@pytest.mark.parametrize(
    ("unique", "member"),
    [
        ("providers", "provider"),
        ("models", "model"),
        ("skills", "skill"),
        ("skills", "skillUsed"),
        ("callers", "caller"),
        ("subscriptions", "subscriptionId"),
    ],
)
def test_sets_of_names_are_capped_at_64(desk: Desk, unique: str, member: str) -> None:
    for number in range(70):
        desk.send(data={member: f"n{number % 66}"})
    assert desk.player().sets[unique] == [f"n{number}" for number in range(64)]


def test_long_names_stay_apart_in_64_bytes(desk: Desk) -> None:
    for tail in ("a", "b", "a"):
        desk.send(data={"model": "é" * 60 + tail})
    names = desk.player().sets["models"]
    assert len(names) == 2
    assert all(len(name.encode()) <= 64 for name in names)
    assert sum("model_diversity" in entry.paid for entry in desk.records["ada"].minute(NOON).appended) == 2


def test_daily_figures(desk: Desk) -> None:
    saved = {"tokensSaved": 10, "costSavedMicroUsd": 7}
    desk.send(data=saved)
    desk.send(data=saved, time_ms=NOON - DAY)
    desk.send("combo.created", data=saved)
    desk.send(data=saved | {"status": "error"})
    desk.send("award", data={"points": -100, "reason": "r"})
    today, yesterday = desk.player().day_stats_of(NOON // DAY), desk.player().day_stats_of(NOON // DAY - 1)
    assert (today.count, today.tokens_saved, today.cost_saved) == (2, 10, 7)
    assert (yesterday.count, yesterday.tokens_saved, yesterday.cost_saved, yesterday.xp) == (1, 10, 7, 4)
    assert today.xp == 1 + 3 + 25 + 25 + 10 - 100
