"""An item that a later release has written: messages that need it fail and come again, and the item stays unchanged."""

from __future__ import annotations

import json

import pytest

from chalicelib.services.boards.worker import feed_messages
from chalicelib.store.core.models import SCHEMA
from chalicelib.store.core.outcomes import LaterSchema
from chalicelib.store.identity.keys import player
from chalicelib.store.progress.keys import STREAK
from tests.pipeline import plant as plants
from tests.pipeline.plant import Plant
from tests.services.boards.board_edits import edit
from tests.services.progress.test_apply_events import counted, event, process
from tests.services.progress.test_shown_as import feed
from tests.simulated import Faults

ADA = player("ada")


@pytest.fixture
def plant() -> Plant:
    plant = plants.build(1, Faults())
    process(plant, event(plant, 1), event(plant, 2, "bob"))
    feed(plant)
    return plant


@pytest.mark.parametrize("part", [ADA, player("ada", STREAK)])
def test_events_of_the_player_come_again_and_others_are_applied(plant: Plant, part: tuple[str, str]) -> None:
    edit(plant, part, f"SET #{SCHEMA} = :n", n=2)
    before = plant.context.table.get(ADA)
    report = process(plant, event(plant, 3), event(plant, 4, "bob"))
    assert [type(error) for error in report.failed.values()] == [LaterSchema]
    assert list(report.failed) == ["m0"]
    assert counted(plant, "bob") == 2
    assert plant.context.table.get(ADA) == before
    edit(plant, part, f"REMOVE #{SCHEMA}")
    assert not process(plant, event(plant, 3)).failed
    assert counted(plant, "ada") == 2


def test_a_board_message_comes_again_and_is_not_rejected(plant: Plant) -> None:
    edit(plant, ADA, f"SET #{SCHEMA} = :n", n=2)
    body = json.dumps({"board": "global#all", "shard": "global#all", "rewrite": ["player:ada"]})
    fed = feed_messages(plant.context, [("m", body)])
    assert ([type(error) for error in fed.failed.values()], fed.set_aside) == ([LaterSchema], {})
