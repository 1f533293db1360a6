"""Level and title follow on every open board, for any source of its scores; only changes of level pay for that."""

from __future__ import annotations

import json
import random
from typing import Any
from unittest.mock import patch

import pytest

from chalicelib.domain.core.periods import ALL_TIME, DAY_MS, moment_name, period_with_id
from chalicelib.domain.progress import scores as boards
from chalicelib.domain.progress.scores import is_open
from chalicelib.services.boards.freeze_board import freeze_board
from chalicelib.services.boards.request_repairs import repair_board
from chalicelib.services.boards.verify_board import verify_board
from chalicelib.services.progress import apply_events as use_case
from chalicelib.store.boards import keys
from chalicelib.store.core.table import StoreError
from tests.pipeline import plant as plants
from tests.pipeline.plant import Plant
from tests.services.boards.board_edits import edit, found
from tests.services.progress.test_apply_events import event, process
from tests.services.progress.test_shown_as import days_later, entries, feed
from tests.simulated.faults import Faults

HOUR_S = 3600
ENDED = ("daily#2026-05-31", "weekly#2026-W22", "monthly#2026-05")
TODAY = {"global#all", "daily#2026-05-19", "weekly#2026-W21", "monthly#2026-05"}


@pytest.fixture
def plant() -> Plant:
    return plants.build(1, Faults())


def award(plant: Plant, number: int, points: int, ago_s: float = 0) -> dict[str, Any]:
    time = moment_name(plant.context.now_ms() - round(ago_s * 1000))
    properties = {"username": "ada", "points": points, "reason": f"r{number}", "grantedBy": f"boss-{number}"}
    return {"event": "award", "properties": properties, "timestamp": time}


def combo(plant: Plant, number: int = 1) -> dict[str, Any]:
    return event(plant, number, type="combo.created", data={"comboId": "c"})


def boards_updated(plant: Plant) -> set[str]:
    """Return the boards with score updates from the messages processed since the last feed."""
    return {json.loads(each.body)["board"] for each in plant.world.queue(plant.urls["boards"]).messages()}


def levels(plant: Plant) -> dict[str, tuple[int, str]]:
    return {board: (entry.level, entry.title) for board, entry in entries(plant).items() if entry.score}


def test_a_new_level_reaches_boards_whose_score_did_not_move(plant: Plant) -> None:
    process(plant, combo(plant))
    feed(plant)
    assert set(levels(plant).values()) == {(2, "Beginner")}, "35 XP: a combo and a badge"
    process(plant, award(plant, 2, 60))
    assert boards_updated(plant) == TODAY | {"contributions#all"}
    feed(plant)
    assert levels(plant) == dict.fromkeys(TODAY | {"contributions#all"}, (4, "Expert"))


def test_events_without_a_new_level_update_and_read_as_much_as_before(plant: Plant) -> None:
    process(plant, combo(plant))
    feed(plant)
    plant.world.calls.clear()
    process(plant, award(plant, 2, 5))
    assert boards_updated(plant) == TODAY
    assert plant.world.calls["BatchGetItem"] == 2
    process(plant, event(plant, 3, data={"status": "error"}))
    assert boards_updated(plant) == TODAY
    feed(plant)
    plant.world.calls.clear()
    process(plant, award(plant, 4, 10))
    assert boards_updated(plant) == TODAY | {"contributions#all"}
    assert plant.world.calls["BatchGetItem"] == 2, "the open boards of midday are known from the state"


def test_a_level_that_falls_and_rises_again_reaches_boards_without_payment(plant: Plant) -> None:
    process(plant, combo(plant), award(plant, 2, 15))
    feed(plant)
    for number, points, level in ((3, -10, 2), (4, 10, 3), (5, -60, 1)):
        process(plant, award(plant, number, points))
        assert "contributions#all" in boards_updated(plant)
        feed(plant)
        assert levels(plant)["contributions#all"][0] == level


def test_boards_of_days_that_are_not_due_to_be_frozen_follow_and_others_do_not(plant: Plant) -> None:
    process(plant, event(plant, 1))
    feed(plant)
    days_later(plant, 1)  # 2026-05-20, noon
    process(plant, event(plant, 2))
    feed(plant)
    plant.world.sleep(12.5 * HOUR_S)  # half an hour after midnight
    process(plant, event(plant, 3))
    feed(plant)
    before = levels(plant)
    process(plant, award(plant, 4, 60))
    assert boards_updated(plant) == TODAY - {"daily#2026-05-19"} | {
        "daily#2026-05-20",
        "daily#2026-05-21",
        "contributions#all",
    }
    feed(plant)
    after = levels(plant)
    assert after.pop("daily#2026-05-19") == before["daily#2026-05-19"]
    assert set(after.values()) == {(5, "Expert")}
    plant.world.sleep(HOUR_S)  # the day before is due now
    process(plant, award(plant, 5, 60), award(plant, 6, 60))
    assert "daily#2026-05-20" not in boards_updated(plant)


def test_an_ended_week_and_month_follow_within_the_grace(plant: Plant) -> None:
    days_later(plant, 12.4)  # Sunday, 2026-05-31, in the evening
    process(plant, event(plant, 1))
    feed(plant)
    days_later(plant, 0.1)
    plant.world.sleep(0.3 * HOUR_S)
    process(plant, event(plant, 2))
    feed(plant)
    calls = plant.world.calls
    calls.clear()
    process(plant, award(plant, 3, 60))
    assert boards_updated(plant) >= {*ENDED, "daily#2026-06-01", "weekly#2026-W23", "monthly#2026-06", "global#all"}
    assert calls["BatchGetItem"] == 3, "one more for the days of the week that ended"
    scores = {board: entry.score for board, entry in entries(plant).items()}
    feed(plant)
    assert {board: entry.score for board, entry in entries(plant).items() if board in ENDED} == {
        board: scores[board] for board in ENDED
    }
    assert found(plant, "weekly#2026-W22") == found(plant, "monthly#2026-05") == found(plant, "daily#2026-05-31") == []


def test_a_frozen_board_keeps_the_level_that_it_had(plant: Plant) -> None:
    process(plant, combo(plant))
    feed(plant)
    for board in ("contributions#all", "daily#2026-05-19"):
        freeze_board(plant.context, board, board)
    process(plant, award(plant, 2, 60))
    feed(plant)
    shown = levels(plant)
    assert shown["contributions#all"] == shown["daily#2026-05-19"] == (2, "Beginner")
    assert shown["global#all"] == (4, "Expert")
    assert found(plant, "contributions#all") == []


@pytest.mark.parametrize("points", [60, -20])
def test_a_redelivery_publishes_the_new_level(plant: Plant, points: int) -> None:
    """Test an invocation that applied the level and died before it published it."""
    process(plant, combo(plant))
    feed(plant)
    plant.world.sleep(12.5 * HOUR_S)  # half an hour after midnight
    body = award(plant, 2, points)

    def dies(*_: Any) -> None:
        raise StoreError("died")

    with patch.object(use_case, "send_updates", dies):
        assert process(plant, body).failed
    assert process(plant, body).outcomes[0].duplicates == 1
    feed(plant)
    shown = levels(plant)
    assert {"daily#2026-05-19", "contributions#all"} <= shown.keys()
    assert len(set(shown.values())) == 1


def test_a_redelivery_of_applied_rules_updates_all_open_boards(plant: Plant) -> None:
    process(plant, combo(plant))
    feed(plant)
    plant.world.sleep(12.5 * HOUR_S)
    applied = {
        "specversion": "1.0",
        "id": "r/1",
        "source": "laurel/ruleset",
        "type": "ruleset.applied",
        "subject": "ada",
    }

    def dies(*_: Any) -> None:
        raise StoreError("died")

    with patch.object(use_case, "send_updates", dies):
        assert process(plant, applied, queue="own").failed
    assert process(plant, applied, queue="own").outcomes[0].duplicates == 1
    assert boards_updated(plant) >= TODAY | {"contributions#all", "tokens_shared#all"}


def test_verify_finds_a_level_and_a_title_and_repair_rewrites_them(plant: Plant) -> None:
    plants.start(plant, random.Random(1))
    process(plant, combo(plant))
    plant.world.run()
    board = "contributions#all"
    edit(plant, keys.entry(board, "player:ada"), "SET #level = :n, #title = :word", n=3, word="Wizard")
    lines = found(plant, board)
    assert lines == [
        "entry player:ada: expected level 2, found 3",
        "entry player:ada: expected title 'Beginner', found 'Wizard'",
    ]
    first, last = repair_board(plant.context, board, plant.world.run)
    assert (len(first.differences), last.differences) == (2, [])
    assert levels(plant)[board] == (2, "Beginner")


def test_a_level_on_its_way_is_in_flight_and_one_that_stays_away_is_not(plant: Plant) -> None:
    process(plant, combo(plant))
    feed(plant)
    process(plant, award(plant, 2, 60))
    queue = plant.world.queue(plant.urls["boards"])
    messages = [message for message in queue.messages() if json.loads(message.body)["board"] == "contributions#all"]
    assert len(messages) == 1
    waits = []

    def wait() -> None:
        waits.append(1)
        if len(waits) == 2:
            feed(plant)

    verified = verify_board(plant.context, "contributions#all", wait)
    assert (verified.differences, verified.in_flight, len(waits)) == ([], 0, 2)
    process(plant, award(plant, 3, -60))
    queue.purge(plant.world.now_ms())
    lines = found(plant, "contributions#all")
    assert lines[0] == "entry player:ada: expected level 2, found 4"
    patient = verify_board(plant.context, "contributions#all", lambda: plant.world.sleep(2), patience_ms=900_000)
    assert (patient.differences, patient.in_flight) == ([], 1)
    plant.world.sleep(900)
    late = verify_board(plant.context, "contributions#all", lambda: plant.world.sleep(2), patience_ms=900_000)
    assert len(late.differences) == 2


def test_a_level_is_not_judged_on_a_board_that_is_due_to_be_frozen(plant: Plant) -> None:
    process(plant, combo(plant))
    feed(plant)
    board = "daily#2026-05-19"
    edit(plant, keys.entry(board, "player:ada"), "SET #level = :n", n=3)
    assert found(plant, board) == ["entry player:ada: expected level 2, found 3"]
    plant.world.sleep(12.5 * HOUR_S)
    assert found(plant, board) == ["entry player:ada: expected level 2, found 3"]
    plant.world.sleep(0.4 * HOUR_S)
    assert found(plant, board) == [], "clocks differ: a quarter of an hour before, nothing is said"


def test_a_board_is_open_until_its_freeze_is_due(plant: Plant) -> None:
    rules, grace_ms = plant.context.rules, 3_600_000
    for scope, period, end in (
        ("daily", "2026-05-19", 20_593),
        ("weekly", "2026-W21", 20_598),
        ("monthly", "2026-05", 20_605),
    ):
        due = end * DAY_MS + grace_ms
        found = period_with_id(scope, period)
        assert is_open(found, rules, due - 1), scope
        assert not is_open(found, rules, due), scope
    assert is_open(ALL_TIME, rules, 10**13)
    assert boards.open_since(rules, 20_593 * DAY_MS + grace_ms - 1) == 20_592
