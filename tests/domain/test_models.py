"""Model diversity: a model not used in the 7 x 24 h of event time before, whatever the player's item remembers."""

from __future__ import annotations

import pytest

from chalicelib.domain.log import Records
from chalicelib.domain.player import MODELS_REMEMBERED, Identity, Player, model_digest
from chalicelib.domain.progress import log_window

from .desk import DAY, HOUR, MINUTE, NOON, Desk

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


@pytest.mark.parametrize(("late_ms", "paid"), [(HOUR, False), (WEEK, False), (WEEK + 1, True), (WEEK + HOUR, True)])
def test_a_late_use_is_judged_by_the_window_before_it(desk: Desk, late_ms: int, paid: bool) -> None:
    pays(desk, "gpt", NOON - 3 * WEEK)
    pays(desk, "gpt", NOON)
    assert pays(desk, "gpt", NOON - 3 * WEEK + late_ms) is paid


def test_uses_far_apart_leave_the_time_between_unused(desk: Desk) -> None:
    assert pays(desk, "gpt", NOON)
    assert pays(desk, "gpt", NOON - 16 * DAY)
    assert pays(desk, "gpt", NOON - DAY), "8 days before it there was none"
    assert not pays(desk, "gpt", NOON - 10 * DAY)


def test_a_payment_is_never_taken_back_when_an_earlier_use_comes_late(desk: Desk) -> None:
    assert pays(desk, "gpt", NOON)
    assert pays(desk, "gpt", NOON - HOUR), "nothing was used before it"
    assert desk.player().counters["model_diversity"] == 2


def test_uses_of_other_events_and_failed_requests_do_not_count(desk: Desk) -> None:
    desk.send("combo.created", data={"model": "gpt"}, time_ms=NOON - DAY)
    desk.send(data={"model": "gpt", "status": "error"}, time_ms=NOON - DAY)
    desk.send("coffee.brewed", data={"model": "gpt"}, time_ms=NOON - DAY)
    pays(desk, "gpt", NOON + WEEK)
    assert pays(desk, "gpt", NOON - HOUR)


def test_the_log_tells_what_the_item_forgot(desk: Desk) -> None:
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
    assert pays(desk, "gpt", NOON - HOUR)
    assert not pays(desk, "gpt", NOON + WEEK - HOUR // 2), "half an hour within the forgotten use's window"


@pytest.mark.parametrize(
    ("data", "type_"),
    [
        ({}, "request.completed"),
        ({"model": "x", "status": "error"}, "request.completed"),
        ({"model": "x"}, "combo.used"),
    ],
)
def test_only_a_late_use_of_a_model_needs_the_log(desk: Desk, data: dict[str, str], type_: str) -> None:
    player = Player("ada", Identity("a", "p", 0), models_forgotten_at=NOON)
    assert log_window(player, desk.event(type_, data=data), Records(), desk.rules) is None


def test_the_window_of_the_log_and_that_it_is_asked_once(desk: Desk) -> None:
    player, records = Player("ada", Identity("a", "p", 0), models_forgotten_at=NOON), Records()
    event = desk.event(data={"model": "x"})
    assert log_window(player, event, records, desk.rules) == (NOON - WEEK, NOON)
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
