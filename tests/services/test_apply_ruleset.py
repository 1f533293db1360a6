"""A changed ruleset reaches the players who exist, once."""

from __future__ import annotations

import json
import random
from dataclasses import replace as changed
from pathlib import Path

import pytest

from chalicelib.domain import ruleset
from chalicelib.services.apply_ruleset import apply_ruleset, preview_ruleset, ruleset_id
from chalicelib.services.create_key import create_key
from chalicelib.store import keys
from chalicelib.store.models import BalanceItem, EntryItem
from chalicelib.store.players import load_player
from tests.pipeline import plant as plants
from tests.pipeline.plant import RULESET, TABLE, Plant
from tests.simulated import Faults


@pytest.fixture
def plant() -> Plant:
    plant = plants.build(5, Faults())
    plants.start(plant, random.Random(5))
    for number in range(3):
        for player in ("ada", "bob"):
            body = {"type": "request.completed", "apiKeyId": player, "id": f"{player}-{number}", "metadata": {}}
            plant.sqs.send_message(QueueUrl=plant.urls["events"], MessageBody=json.dumps(body))
    plant.world.run()
    return plant


def newer(plant: Plant, tmp_path: Path) -> None:
    """One badge is easier, one level is lower, and there is one board more."""
    text = RULESET.read_text().replace('version = "sim"', 'version = "sim2"')
    text = text.replace('stat = "xp", at_least = 100', 'stat = "xp", at_least = 30').replace(
        "[0, 20, 45,", "[0, 20, 25,"
    )
    text += '\n[[boards]]\nscope = "requests"\nperiod = "all"\nactions = ["request"]\n'
    file = tmp_path / "newer.toml"
    file.write_text(text)
    plant.context = changed(plant.context, rules=ruleset.load(file))
    for source in plant.sources.values():
        plant.world.scheduler.sources.remove(source)
    plants.start(plant, random.Random(6))


def test_what_it_will_do_is_said_first_and_done_once(plant: Plant, tmp_path: Path) -> None:
    before = load_player(plant.context.table, "ada")
    assert before is not None
    newer(plant, tmp_path)
    effect = preview_ruleset(plant.context)
    assert (effect.players, effect.changed, effect.badges["hundred"]) == (2, 2, 2)
    assert load_player(plant.context.table, "ada") == before, "a preview writes nothing"
    for _ in range(2):
        assert list(apply_ruleset(plant.context)) == [2]
        plant.world.run()
        player = load_player(plant.context.table, "ada")
        assert player is not None
        assert player.holds("hundred")
        assert player.xp == before.xp + 25 * sum(badge not in before.badges for badge in player.badges)
        account = plant.context.table.get((f"ACCOUNT#{player.identity.account}#tokens", "BALANCE"))
        assert account is not None
        assert int(BalanceItem.from_raw_data(account).balance) == 100 * (player.rewarded_level - 1)
    entries = [EntryItem.from_raw_data(item) for item in plant.context.table.query_all(keys.board("requests#all"))]
    assert {entry.sk: int(entry.score) for entry in entries} == {"ENTRY#ada": 3, "ENTRY#bob": 3}
    assert preview_ruleset(plant.context).changed == 0


def test_a_ruleset_is_known_by_version_and_content(plant: Plant, tmp_path: Path) -> None:
    first = ruleset_id(plant.context.rules)
    newer(plant, tmp_path)
    assert ruleset_id(plant.context.rules) != first
    assert ruleset_id(plant.context.rules).startswith("sim2-")


def test_a_player_without_any_day_is_put_on_no_board_of_a_day(plant: Plant) -> None:
    create_key(plant.context, "new")
    list(apply_ruleset(plant.context))
    plant.world.run()
    boards = {pk for pk, sk in plant.world.dynamodb.tables[TABLE].rows if sk == "ENTRY#new"}
    assert boards
    assert not boards & {"BOARD#daily#1969-12-31", "BOARD#weekly#1970-W01", "BOARD#monthly#1969-12"}
