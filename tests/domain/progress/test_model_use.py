"""Model diversity: a model not used within 7 x 24 h of event time, before or after, in the item or the log."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.identity.identity import Identity
from chalicelib.domain.progress.apply_event import log_window
from chalicelib.domain.progress.log import Records
from chalicelib.domain.progress.model_use import MAX_RUN_MS
from chalicelib.domain.progress.player import MODELS_REMEMBERED, Player, model_digest
from chalicelib.domain.rules.ruleset import Rules
from chalicelib.store.progress.players import pack_models, unpack_models
from tests.domain.progress.desk import DAY, HOUR, MINUTE, NOON, Desk

WEEK = 7 * DAY


def pays(desk: Desk, model: str, time_ms: int) -> bool:
    desk.now_ms = max(desk.now_ms, time_ms)
    return "model_diversity" in desk.send(time_ms=time_ms, data={"model": model}).paid


@pytest.mark.parametrize(("gap_ms", "paid"), [(1, False), (WEEK - 1, False), (WEEK, False), (WEEK + 1, True)])
def test_the_window_is_exactly_7_times_24_hours(desk: Desk, gap_ms: int, paid: bool) -> None:
    assert pays(desk, "gpt", NOON - WEEK - DAY)
    assert pays(desk, "gpt", NOON - WEEK - DAY + gap_ms) is paid


def test_each_use_opens_the_window_again(desk: Desk) -> None:
    assert [pays(desk, "gpt", NOON + days * DAY) for days in (0, 5, 10, 15, 22, 30)] == [True, *[False] * 4, True]


@pytest.mark.parametrize(
    ("late_ms", "paid"),
    [
        (-WEEK - 1, True),
        (-WEEK, False),
        (-HOUR, False),
        (WEEK, False),
        (WEEK + 1, True),
        (2 * WEEK - 1, True),
        (2 * WEEK, False),
        (3 * WEEK + HOUR, False),
        (4 * WEEK, False),
        (4 * WEEK + 1, True),
    ],
)
def test_a_late_use_is_judged_by_the_windows_before_and_after_it(desk: Desk, late_ms: int, paid: bool) -> None:
    pays(desk, "gpt", NOON - 3 * WEEK)
    pays(desk, "gpt", NOON)
    assert pays(desk, "gpt", NOON - 3 * WEEK + late_ms) is paid


def test_uses_far_apart_leave_the_time_between_unused(desk: Desk) -> None:
    assert pays(desk, "gpt", NOON)
    assert pays(desk, "gpt", NOON - 16 * DAY)
    assert pays(desk, "gpt", NOON - 8 * DAY), "8 days before it and after it there was none"
    assert not pays(desk, "gpt", NOON - 12 * DAY)


def test_two_windows_apart_leave_no_time_between(desk: Desk) -> None:
    assert pays(desk, "gpt", NOON)
    assert pays(desk, "gpt", NOON + 2 * WEEK)
    assert not any(pays(desk, "gpt", NOON + days * DAY) for days in range(15))
    assert len(desk.player().models) == 1


def test_a_payment_is_never_taken_back_when_a_use_between_comes_late(desk: Desk) -> None:
    assert [pays(desk, "gpt", NOON - days * DAY) for days in (10, 0, 5)] == [True, True, False]
    assert desk.player().counters["model_diversity"] == 2


@given(
    times=st.lists(st.integers(0, WEEK), min_size=1, max_size=60),
    start=st.integers(-3 * WEEK, 3 * WEEK),
    shuffle=st.randoms(use_true_random=False),
    forgets=st.sets(st.integers(0, 59), max_size=6),
)
@settings(max_examples=50)
def test_uses_within_7_days_pay_once_in_any_order(
    rules: Rules, times: list[int], start: int, shuffle: random.Random, forgets: set[int]
) -> None:
    other = Desk(rules)
    other.now_ms = NOON + 4 * WEEK
    shuffle.shuffle(times)
    paid = 0
    for place, time_ms in enumerate(times):
        if place in forgets and place:
            other.player().forget_model() if other.player().models else None
        paid += pays(other, "gpt", NOON + start + time_ms)
    assert paid == other.player().counters["model_diversity"] == 1


@given(days=st.lists(st.integers(0, 60), min_size=2, max_size=25), shuffle=st.randoms(use_true_random=False))
@settings(max_examples=30)
def test_paid_uses_are_more_than_7_days_apart_and_at_most_twice_as_many_in_another_order(
    rules: Rules, days: list[int], shuffle: random.Random
) -> None:
    counted = []
    for _ in range(3):
        other = Desk(rules)
        other.now_ms = NOON + 60 * DAY
        paid = sorted(day for day in days if pays(other, "gpt", NOON + day * DAY))
        assert all(later - before > 7 for before, later in pairwise(paid))
        counted.append(len(paid))
        shuffle.shuffle(days)
    assert max(counted) <= 2 * min(counted)


def test_a_run_of_uses_stays_within_the_capacity_of_its_item(desk: Desk) -> None:
    desk.now_ms = NOON
    first = NOON - MAX_RUN_MS - 40 * WEEK
    moments = list(range(first, NOON, 2 * WEEK))
    assert pays(desk, "gpt", moments[0])
    for moment in moments[1:]:
        pays(desk, "gpt", moment)
        assert unpack_models(pack_models(desk.player().models)) == desk.player().models
    assert not any(pays(desk, "gpt", moment + WEEK) for moment in moments[:-1])
    early = moments[0] - WEEK
    assert not pays(desk, "gpt", early)
    assert unpack_models(pack_models(desk.player().models)) == desk.player().models


def test_uses_of_other_events_and_failed_requests_do_not_count(desk: Desk) -> None:
    desk.send("combo.created", data={"model": "gpt"}, time_ms=NOON - DAY)
    desk.send(data={"model": "gpt", "status": "error"}, time_ms=NOON - DAY)
    desk.send("coffee.brewed", data={"model": "gpt"}, time_ms=NOON - DAY)
    assert pays(desk, "gpt", NOON - HOUR)


@pytest.mark.parametrize("model", ["", " ", "\t", "unknown", "Unknown", " UNKNOWN "])
def test_blank_and_unknown_are_no_models(desk: Desk, model: str) -> None:
    entry = desk.send(data={"model": model})
    assert (entry.paid, entry.model) == ({"request": 1, "daily_login": 3, "badge_earned": 50}, "")
    assert (desk.player().models, desk.player().sets.get("models", [])) == ({}, [])
    assert pays(desk, "unknown-2", NOON)


def test_the_log_has_the_uses_that_the_item_forgot(desk: Desk) -> None:
    models = [f"m{number}" for number in range(MODELS_REMEMBERED + 10)]
    assert all(pays(desk, model, NOON + n * DAY // 4) for n, model in enumerate(models))
    assert len(desk.player().models) == MODELS_REMEMBERED
    last = NOON + len(models) * DAY // 4
    assert model_digest("m9") not in desk.player().models
    assert not pays(desk, "m9", last), "used 6.25 days before"
    assert pays(desk, "m0", last), "used 8.5 days before"
    assert pays(desk, "new", last)


def test_a_late_use_brought_back_does_not_hide_a_later_forgotten_one(desk: Desk) -> None:
    pays(desk, "gpt", NOON)
    desk.player().forget_model()
    assert desk.player().models == {}
    assert pays(desk, "gpt", NOON - WEEK - HOUR), "the log holds no use that near"
    assert not pays(desk, "gpt", NOON + WEEK - HOUR // 2), "half an hour within the forgotten use's window"
    assert not pays(desk, "gpt", NOON - 2 * HOUR)


def test_a_forgotten_use_after_a_late_one_is_in_its_window(desk: Desk) -> None:
    pays(desk, "gpt", NOON)
    desk.player().forget_model()
    assert not pays(desk, "gpt", NOON - WEEK)
    desk.player().forget_model()
    assert pays(desk, "gpt", NOON - 2 * WEEK - 1)


@pytest.mark.parametrize(
    ("data", "type_"),
    [
        ({}, "request.completed"),
        ({"model": "x", "status": "error"}, "request.completed"),
        ({"model": "x"}, "combo.used"),
        ({"model": "unknown"}, "request.completed"),
    ],
)
def test_an_event_without_a_model_reads_no_log(desk: Desk, data: dict[str, str], type_: str) -> None:
    player = Player("ada", Identity("a", "p", 0), models_forgotten_at=NOON)
    assert log_window(player, desk.event(type_, data=data), Records(), desk.rules) is None


def test_the_window_of_the_log_and_that_it_is_asked_once(desk: Desk) -> None:
    player, records = Player("ada", Identity("a", "p", 0), models_forgotten_at=NOON), Records()
    event = desk.event(data={"model": "x"})
    assert log_window(player, event, records, desk.rules) == (NOON - WEEK, NOON + WEEK)
    records.used_models[event.identity] = True
    assert log_window(player, event, records, desk.rules) is None


def test_the_log_s_interval_is_closed(desk: Desk) -> None:
    desk.send(data={"model": "x"}, time_ms=NOON + 7)
    records = desk.records["ada"]
    assert records.model_used("x", NOON + 7, NOON + 7)
    assert not records.model_used("x", NOON + 8, NOON + MINUTE)
    assert not records.model_used("x", NOON, NOON + 6)
    assert not records.model_used("y", NOON, NOON + MINUTE)


def test_payment_stops_at_20_a_day_and_the_use_still_counts(desk: Desk) -> None:
    assert [pays(desk, f"m{n}", NOON) for n in range(22)] == [True] * 20 + [False] * 2
    assert desk.player().counters["model_diversity"] == 22
    assert not pays(desk, "m21", NOON + DAY)
