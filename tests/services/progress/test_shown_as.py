"""Updates of every board when a player is renamed, hidden, or shown again; of frozen boards above all."""

from __future__ import annotations

import json
import random
from typing import Any
from unittest.mock import patch

import pytest

from chalicelib.domain.core.periods import DAY_MS, moment_name
from chalicelib.services.boards.freeze_board import freeze_board
from chalicelib.services.boards.worker import feed_messages
from chalicelib.services.progress import apply_events as use_case
from chalicelib.services.progress.create_key import create_key
from chalicelib.services.progress.process_messages import Report
from chalicelib.store.boards.entries import Entry, scan_entries
from chalicelib.store.identity import keys
from chalicelib.store.identity.api_keys import read_keys
from chalicelib.store.progress.players import load_player
from tests.pipeline import plant as plants
from tests.pipeline.plant import TABLE, Plant
from tests.services.progress.test_apply_events import event, process
from tests.simulated.faults import Faults

TUESDAY = ("daily#2026-05-19", "weekly#2026-W21", "monthly#2026-05", "global#all", "contributions#all")


@pytest.fixture
def plant() -> Plant:
    return plants.build(1, Faults())


def own(plant: Plant, number: int, type_: str, player: str = "ada", **data: Any) -> dict[str, Any]:
    return event(plant, number, player, type=type_, source="laurel/test", data=data)


def decide(plant: Plant, *bodies: dict[str, Any]) -> Report:
    return process(plant, *bodies, queue="own")


def feed(plant: Plant) -> int:
    """Let the boards' writer have all that waits."""
    queue = plant.world.queue(plant.urls["boards"])
    fed = feed_messages(plant.context, [(each.id, each.body) for each in queue.messages()])
    assert not fed.failed
    assert not fed.set_aside
    queue.purge(plant.world.now_ms())
    return fed.written


def entries(plant: Plant, player: str = "ada") -> dict[str, Entry]:
    """Return board -> the player's entry there."""
    boards = {pk for pk, sk in plant.world.dynamodb.tables[TABLE].rows if sk == f"ENTRY#player:{player}"}
    found = {pk.removeprefix("BOARD#"): scan_entries(plant.context.table, pk.removeprefix("BOARD#")) for pk in boards}
    return {board: next(e for e in all_ if e.subject == f"player:{player}") for board, all_ in found.items()}


def days_later(plant: Plant, days: float) -> None:
    plant.world.sleep(days * DAY_MS / 1000)


def test_all_boards_that_are_kept_are_updated_and_no_other(plant: Plant) -> None:
    assert not process(plant, event(plant, 1)).failed
    feed(plant)
    days_later(plant, 20)
    process(plant, event(plant, 2))
    feed(plant)
    days_later(plant, 12)
    # The day of the first event has expired by the clock, its week and month are kept.
    before = entries(plant)
    decide(plant, own(plant, 3, "profile.changed", displayName="Ada", private=True))
    updated = {json.loads(each.body)["board"] for each in plant.world.queue(plant.urls["boards"]).messages()}
    assert updated == before.keys() - {"daily#2026-05-19"}
    feed(plant)
    after = entries(plant)
    for board in updated:
        was, is_ = before[board], after[board]
        assert (is_.name, is_.private, is_.score, is_.reached_at) == ("Ada", True, was.score, was.reached_at)
        assert is_.version > was.version


def test_a_frozen_board_shows_the_new_name_with_the_old_score(plant: Plant) -> None:
    process(plant, event(plant, 1), event(plant, 2, "bob"))
    feed(plant)
    for board in TUESDAY[:3]:
        freeze_board(plant.context, board, board)
    before = entries(plant)
    # In time, but applied after the freeze: the players' totals know it, the board does not.
    process(plant, event(plant, 3))
    feed(plant)
    decide(plant, own(plant, 4, "profile.changed", displayName="Ada"))
    feed(plant)
    after = entries(plant)
    for board in TUESDAY[:3]:
        assert after[board].name == "Ada"
        assert (after[board].score, after[board].reached_at) == (before[board].score, before[board].reached_at)
    assert after["global#all"].score == before["global#all"].score + 1


def test_a_player_is_hidden_from_frozen_boards_and_shown_again_unchanged(plant: Plant) -> None:
    process(plant, event(plant, 1), event(plant, 2, "bob"))
    feed(plant)
    for board in TUESDAY[:3]:
        freeze_board(plant.context, board, board)
    before = entries(plant)
    decide(plant, own(plant, 3, "player.hidden", decidedBy="root"))
    feed(plant)
    assert {board: entry.on_board for board, entry in entries(plant).items()} == dict.fromkeys(before, False)
    assert all(entry.on_board for entry in entries(plant, "bob").values())
    process(plant, event(plant, 4))
    feed(plant)
    decide(plant, own(plant, 5, "player.unhidden", decidedBy="root"))
    feed(plant)
    for board, entry in entries(plant).items():
        assert entry.on_board
        assert entry.score == before[board].score + (board == "global#all"), board


def test_late_xp_does_not_come_onto_a_board_by_a_rename(plant: Plant) -> None:
    process(plant, event(plant, 1), event(plant, 2, "bob"))
    feed(plant)
    before = entries(plant)
    days_later(plant, 2)
    process(plant, event(plant, 3, ago_s=2 * DAY_MS / 1000), event(plant, 4, "bob", ago_s=2 * DAY_MS / 1000))
    decide(plant, own(plant, 5, "profile.changed", displayName="Ada"))
    feed(plant)
    after = entries(plant)
    assert after["daily#2026-05-19"].score == before["daily#2026-05-19"].score
    assert after["weekly#2026-W21"].score == before["weekly#2026-W21"].score + 1
    assert set(after) == set(before), "no entry on a board that nothing was counted on"


def test_a_redelivery_updates_every_board_again(plant: Plant) -> None:
    """Test that the worker that applied it died before it published it."""
    process(plant, event(plant, 1, ago_s=60))
    feed(plant)
    days_later(plant, 20)
    rename = own(plant, 2, "profile.changed", displayName="Ada")
    with patch.object(use_case, "send_updates", side_effect=RuntimeError("killed")):
        assert decide(plant, rename).failed
    assert {entry.name for entry in entries(plant).values()} == {""}
    days_later(plant, 0.5)
    assert not decide(plant, rename).failed
    feed(plant)
    assert {entry.name for entry in entries(plant).values()} == {"Ada"}


def test_keys_made_meanwhile_stay_counted(plant: Plant) -> None:
    """Test that the item that names the player also counts changes of keys: neither overwrites the other."""
    create_key(plant.context, "ada")
    create_key(plant.context, "ada")
    changes = read_keys(plant.context.table, "ada").changes
    identity = plant.context.table.get(keys.player("ada", keys.IDENTITY))
    decide(plant, own(plant, 1, "profile.changed", displayName="Ada"), own(plant, 2, "player.hidden"))
    assert read_keys(plant.context.table, "ada").changes == changes == 2
    create_key(plant.context, "ada")
    player = load_player(plant.context.table, "ada")
    assert player is not None
    assert (player.identity.display_name, player.identity.hidden) == ("Ada", True)
    after = plant.context.table.get(keys.player("ada", keys.IDENTITY))
    assert identity is not None
    assert after is not None
    assert {name: after[name] for name in ("account", "public", "created_at")}.items() <= identity.items()
    decide(plant, own(plant, 3, "profile.changed", displayName=""), own(plant, 4, "player.unhidden"))
    player = load_player(plant.context.table, "ada")
    assert player is not None
    assert (player.identity.display_name, player.identity.hidden) == (None, False)


@pytest.mark.parametrize(
    ("type_", "data", "reason"),
    [
        ("profile.changed", {"displayName": "Nobody"}, "unknown_player"),
        ("player.hidden", {}, "unknown_player"),
        ("profile.changed", {"displayName": " "}, "invalid_name"),
        ("profile.changed", {"displayName": "\u3164"}, "invalid_name"),
        ("profile.changed", {"displayName": "Player #1"}, "invalid_name"),
        ("profile.changed", {"displayName": "x" * 51}, "invalid_data"),
        ("profile.changed", {"private": 1}, "invalid_data"),
    ],
)
def test_an_impossible_decision_is_rejected_with_its_reason(plant: Plant, type_: str, data: Any, reason: str) -> None:
    create_key(plant.context, "ada")
    player = "nobody" if reason == "unknown_player" else "ada"
    assert decide(plant, own(plant, 1, type_, player, **data)).rejected == {reason: 1}


def test_years_of_boards_are_updated(plant: Plant) -> None:
    """Test that each week and month of two years is updated once, for any number of days, and stays unchanged."""
    rng = random.Random(1)
    days_later(plant, 1)
    moments = [plant.context.now_ms() + round(rng.random() * 730) * DAY_MS for _ in range(40)]
    for number, moment in enumerate(sorted(moments)):
        days_later(plant, max(0, moment - plant.context.now_ms()) / DAY_MS)
        process(plant, event(plant, number, time=moment_name(plant.context.now_ms())))
        feed(plant)
    before = entries(plant)
    plant.world.calls.clear()
    decide(plant, own(plant, 999, "profile.changed", displayName="Ada"))
    assert plant.world.calls["Query"] <= 2
    feed(plant)
    after = entries(plant)
    assert {board for board, entry in after.items() if entry.name != "Ada"} == {
        board for board in before if board.startswith("daily") and board < f"daily#{_day_before(plant, 30)}"
    }
    assert {board: entry.score for board, entry in after.items()} == {b: entry.score for b, entry in before.items()}


def _day_before(plant: Plant, days: int) -> str:
    return moment_name(plant.context.now_ms() - days * DAY_MS)[:10]


@pytest.mark.parametrize("known", [True, False])
def test_the_latest_decision_counts_in_any_order_of_the_queue(plant: Plant, known: bool) -> None:
    """Test hidden, then shown again, from a standard queue that delivers the second decision first."""
    first = event(plant, 1)
    process(plant, *[first] * known)
    plant.world.sleep(1)
    hidden = own(plant, 2, "player.hidden")
    plant.world.sleep(1)
    shown = own(plant, 3, "player.unhidden")
    decide(plant, first, shown)
    decide(plant, hidden)
    feed(plant)
    player = load_player(plant.context.table, "ada")
    assert player is not None
    assert not player.identity.hidden
    assert all(entry.on_board for entry in entries(plant).values())
