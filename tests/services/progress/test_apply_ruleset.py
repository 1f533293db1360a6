"""A changed ruleset reaches the players who exist, once."""

from __future__ import annotations

import json
import random
from dataclasses import replace as changed
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from chalicelib.domain.core.errors import LostRace
from chalicelib.domain.rules import ruleset
from chalicelib.domain.rules.ruleset import Rules
from chalicelib.gateways.queues import NotSent, SqsQueues
from chalicelib.services.progress import apply_ruleset as use_case
from chalicelib.services.progress.apply_ruleset import apply_ruleset, current_run, preview_ruleset
from chalicelib.services.progress.create_key import create_key
from chalicelib.store.boards import keys
from chalicelib.store.boards.models import EntryItem
from chalicelib.store.core.table import Table
from chalicelib.store.ledger.models import BalanceItem
from chalicelib.store.progress.players import load_player
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
    """Write a ruleset with an easier badge, a lower level, another title, and one board more."""
    text = RULESET.read_text().replace('version = "sim"', 'version = "sim2"')
    text = text.replace('stat = "xp", at_least = 100', 'stat = "xp", at_least = 30').replace(
        "[0, 20, 45,", "[0, 20, 25,"
    )
    text += '\n[[boards]]\nscope = "requests"\nperiod = "all"\nactions = ["request"]\n'
    text = text.replace('title = "Expert"', 'title = "Wizard"')
    file = tmp_path / "newer.toml"
    file.write_text(text)
    deploy(plant, ruleset.load(file))


def deploy(plant: Plant, rules: Rules) -> None:
    """Replace the workers by workers with these rules."""
    plant.context = changed(plant.context, rules=rules)
    for source in plant.sources.values():
        plant.world.scheduler.sources.remove(source)
    plants.start(plant, random.Random(6))


def test_a_preview_is_applied_once(plant: Plant, tmp_path: Path) -> None:
    before = load_player(plant.context.table, "ada")
    assert before is not None
    newer(plant, tmp_path)
    assert current_run(plant.context) is None
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
    assert {entry.sk: int(entry.score) for entry in entries} == {"ENTRY#player:ada": 3, "ENTRY#player:bob": 3}
    assert preview_ruleset(plant.context).changed == 0


def test_a_ruleset_is_known_by_version_and_content(plant: Plant, tmp_path: Path) -> None:
    first = plant.context.rules.id
    newer(plant, tmp_path)
    assert plant.context.rules.id != first
    assert plant.context.rules.id.startswith("sim2-")


def test_a_player_without_any_day_is_put_on_no_board_of_a_day(plant: Plant) -> None:
    create_key(plant.context, "new")
    list(apply_ruleset(plant.context))
    plant.world.run()
    boards = {pk for pk, sk in plant.world.dynamodb.tables[TABLE].rows if sk == "ENTRY#player:new"}
    assert boards
    assert not boards & {"BOARD#daily#1969-12-31", "BOARD#weekly#1970-W01", "BOARD#monthly#1969-12"}


def applied(plant: Plant) -> int:
    """Apply the ruleset, let the workers work, and return the number of queued players."""
    sent = list(apply_ruleset(plant.context))
    plant.world.run()
    return sent[-1]


def send(plant: Plant, player: str, number: int) -> None:
    body = {"type": "request.completed", "apiKeyId": player, "id": f"{player}-{number}", "metadata": {}}
    plant.sqs.send_message(QueueUrl=plant.urls["events"], MessageBody=json.dumps(body))
    plant.world.run()


def shown(plant: Plant, player: str = "ada") -> dict[str, tuple[int, str]]:
    """Return board -> level and title of the player's entry."""
    entries = {
        pk.removeprefix("BOARD#"): EntryItem.from_raw_data(row[0])
        for (pk, sk), row in plant.world.dynamodb.tables[TABLE].rows.items()
        if sk == f"ENTRY#player:{player}" and row[0] is not None
    }
    return {board: (int(entry.level), entry.title) for board, entry in entries.items() if int(entry.score)}


def tokens(plant: Plant, player: str = "ada") -> int:
    read = load_player(plant.context.table, player)
    assert read is not None
    item = plant.context.table.get((f"ACCOUNT#{read.identity.account}#tokens", "BALANCE"))
    return int(BalanceItem.from_raw_data(item).balance) if item else 0


def test_a_ruleset_is_applied_again_after_another(plant: Plant, tmp_path: Path) -> None:
    """Test A, B, A, B: the second run of B gives the badges met meanwhile, and repeats no payment."""
    older = plant.context.rules
    create_key(plant.context, "eve")
    newer(plant, tmp_path)
    latest = plant.context.rules
    assert applied(plant) == 3
    deploy(plant, older)
    assert applied(plant) == 3
    assert {title for _, title in shown(plant).values()} <= {"Beginner", "Expert"}
    for number in range(3):
        send(plant, "eve", number)
    before, paid = load_player(plant.context.table, "ada"), tokens(plant)
    assert before is not None
    eve = load_player(plant.context.table, "eve")
    assert eve is not None
    deploy(plant, latest)
    assert current_run(plant.context) is None, "another ruleset was run since"
    effect = preview_ruleset(plant.context)
    assert effect.changed == 1
    assert applied(plant) == 3
    after = load_player(plant.context.table, "ada")
    assert after is not None
    assert (after.xp, after.badges, tokens(plant)) == (before.xp, before.badges, paid)
    second = load_player(plant.context.table, "eve")
    assert second is not None
    assert second.level(latest) == second.rewarded_level > eve.rewarded_level
    assert tokens(plant, "eve") == 100 * (second.rewarded_level - 1)
    assert preview_ruleset(plant.context).changed == 0
    run = current_run(plant.context)
    assert run is not None
    assert (run.sent, run.done_ms is not None) == (3, True)


def test_open_boards_show_level_and_title_by_the_new_rules(plant: Plant, tmp_path: Path) -> None:
    """Test also boards of ended days that are not due to be frozen, and boards whose score does not move."""
    body = {"event": "award", "properties": {"username": "ada", "points": 60, "reason": "r", "grantedBy": "boss"}}
    plant.sqs.send_message(QueueUrl=plant.urls["events"], MessageBody=json.dumps(body))
    plant.world.run()
    plant.world.sleep(12.5 * 3600)  # half an hour after midnight
    send(plant, "ada", 10)
    open_ = shown(plant)
    assert {"daily#2026-05-19", "daily#2026-05-20", "global#all", "weekly#2026-W21"} <= open_.keys()
    newer(plant, tmp_path)
    applied(plant)
    player = load_player(plant.context.table, "ada")
    assert player is not None
    due = (player.level(plant.context.rules), plant.context.rules.levels.title(player.level(plant.context.rules)))
    assert due[1] == "Wizard"
    assert set(shown(plant).values()) == {due}
    assert open_.keys() < shown(plant).keys(), "and the new board"


@pytest.mark.parametrize("page", [1, 7, 1000])
def test_a_run_that_dies_anywhere_continues_and_gives_each_player_once(
    plant: Plant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    """Test a scan by pages of so many items, where the command dies at its second send, and at its third note."""
    for number in range(6):
        send(plant, f"p{number}", 0)
    newer(plant, tmp_path)
    monkeypatch.setattr(use_case, "PLAYERS_AT_ONCE", 2)
    real = Table._call
    monkeypatch.setattr(
        Table, "_call", lambda self, op, request: real(self, op, request | ({"Limit": page} if op == "scan" else {}))
    )
    sends, notes = count(), count()
    send_, note = SqsQueues.send, use_case.note_run

    def dying_send(self: SqsQueues, queue: str, bodies: Any) -> None:
        if queue == "own" and next(sends) == 1:
            raise NotSent("died")
        send_(self, queue, bodies)

    def dying_note(table: Table, run: Any) -> None:
        if next(notes) == 2:
            raise NotSent("died")
        note(table, run)

    monkeypatch.setattr(SqsQueues, "send", dying_send)
    monkeypatch.setattr(use_case, "note_run", dying_note)
    runs, deaths = set(), 0
    while not (run := current_run(plant.context)) or run.done_ms is None:
        try:
            list(apply_ruleset(plant.context))
        except NotSent:
            deaths += 1
            run = current_run(plant.context)
            assert run is not None
            runs.add(run.run)
            plant.world.run()
    assert deaths == (1 if page == 1000 else 2)
    assert runs == {run.run}, "it is the same run"
    plant.world.run()
    for name in ("ada", "bob", *(f"p{number}" for number in range(6))):
        player = load_player(plant.context.table, name)
        assert player is not None
        assert player.holds("hundred") == (name in ("ada", "bob")), name
        assert tokens(plant, name) == 100 * (player.rewarded_level - 1)
        log = plant.context.table.query_all(f"PLAYER#{name}", prefix="KEYED#")
        assert sum("ruleset.applied" in json.dumps(item) for item in log) == 1, name
    assert preview_ruleset(plant.context).changed == 0


def test_a_run_ends_when_another_ruleset_is_run_in_parallel(plant: Plant, tmp_path: Path) -> None:
    older = plant.context
    first = apply_ruleset(older)
    assert next(first) == 2
    newer(plant, tmp_path)
    assert applied(plant) == 2
    with pytest.raises(LostRace):
        list(first)
    assert current_run(plant.context) is not None
    assert current_run(older) is None
