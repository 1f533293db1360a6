"""The nightly check of the ledger: it continues over many runs, finds what one run finds, and shows how far it is."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest

from chalicelib import wiring
from chalicelib.services.operations import ledger_check, nightly_ledger
from chalicelib.services.operations.ledger_check import LedgerCheck
from chalicelib.services.operations.nightly_ledger import FORM
from chalicelib.store.core.table import ConditionFailed, StoreError
from chalicelib.store.ledger import keys as ledger_keys
from chalicelib.store.operations import keys as operations_keys
from chalicelib.store.operations.ledger_checks import KEPT_S, SavedCheck, read_check, save_check
from chalicelib.store.operations.runs import Run, read_runs
from chalicelib.store.rewards import keys as rewards_keys
from chalicelib.workers import verify_ledger as worker
from tests.pipeline.plant import Plant
from tests.services.boards.board_edits import delete, edit
from tests.services.operations.ledger_edits import Economy, key_of, load, players, posting, verify
from tests.services.operations.test_archive_worker import SCHEDULE
from tests.simulated import queries
from tests.simulated.sources import LambdaContext


@pytest.fixture
def economy(monkeypatch: pytest.MonkeyPatch) -> Economy:
    economy = Economy()
    load(economy.plant, players(economy.plant, [f"p{n}" for n in range(6)]), 60)
    monkeypatch.setattr(wiring, "context", lambda: economy.plant.context)
    monkeypatch.setattr(worker, "sleep", economy.plant.world.sleep)
    return economy


def slow(
    economy: Economy, monkeypatch: pytest.MonkeyPatch, seconds: int, then: Callable[[], None] | None = None
) -> None:
    """Make pages of a few items, each of which takes some time in many calls."""
    real = ledger_check.scan_ledger
    monkeypatch.setattr(queries, "PAGE_BYTES", 4_000)

    def scan(table: Any, start: Any) -> Any:
        for _ in range(0, seconds, 5):
            economy.plant.world.sleep(5)
            table.get(operations_keys.ledger_check())
        if then:
            then()
        return real(table, start)

    monkeypatch.setattr(ledger_check, "scan_ledger", scan)


def invoke(plant: Plant, role: str = "verify_ledger") -> dict[str, Any]:
    """Invoke the worker with the permissions of its function; `role` '': with all."""
    context = LambdaContext(plant.world, "laurel-verify-ledger", "r", 900)
    with plant.world.acting_as(role) if role else nullcontext():
        answer: dict[str, Any] = worker.verify_ledger(SCHEDULE, context)
    assert context.get_remaining_time_in_millis() > 0
    return answer


def finished(plant: Plant) -> Run | None:
    return read_runs(plant.context.table, ["verify_ledger"]).get("verify_ledger")


def runs_until_done(plant: Plant, role: str = "verify_ledger") -> int:
    """Invoke the worker every 15 minutes until the check is done; return the number of runs."""
    for number in range(1, 200):
        began = plant.world.now_ms()
        if invoke(plant, role)["done"]:
            return number
        plant.world.sleep(max(0, 900 - (plant.world.now_ms() - began) / 1000))
    raise AssertionError("the check never ends")


def damage(economy: Economy) -> None:
    """Edit a balance, delete one side of a transfer, add a mark and a counter of nothing."""
    plant = economy.plant
    edit(plant, economy.balance_key(economy.bob), "ADD #balance :n", n=3)
    delete(plant, key_of(posting(plant, economy.ada.account, 1)))
    mark = ledger_keys.corrected(economy.sent)
    edit(plant, mark, "SET #by = :t", t=f"{economy.sent[:11]}{'0' * 30}")
    edit(plant, rewards_keys.redeemed(economy.ada.account, "mug"), "ADD #redeemed :n", n=2)


@pytest.mark.parametrize(("seconds", "damaged"), [(250, False), (250, True), (500, True)])
def test_many_runs_find_what_one_run_finds(
    economy: Economy, monkeypatch: pytest.MonkeyPatch, seconds: int, damaged: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """Test also pages during which the time runs out: a run has done one of them, and the next one does it again."""
    if damaged:
        damage(economy)
    whole = verify(economy.plant)
    assert bool(whole.differences) == damaged
    slow(economy, monkeypatch, seconds)
    runs = runs_until_done(economy.plant)
    assert runs > 2
    logged = [record.difference for record in caplog.records if record.message == "ledger differs"]  # type: ignore[attr-defined]
    assert sorted(logged) == sorted(map(str, whole.differences))
    run = finished(economy.plant)
    assert run
    assert run.found == len(whole.differences)


def test_transfers_during_a_check_of_hours_are_no_differences(
    economy: Economy, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trade() -> None:
        economy.grant(economy.ada, 5)
        economy.send(economy.ada, economy.bob, 3)

    slow(economy, monkeypatch, 250, trade)
    assert runs_until_done(economy.plant, role="") > 2
    run = finished(economy.plant)
    assert run
    assert run.found == 0


def metrics(capsys: pytest.CaptureFixture[str]) -> dict[str, float]:
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    return {name: value[0] for line in lines for name, value in line.items() if isinstance(value, list)}


def test_a_night_that_is_not_done_has_no_heartbeat(
    economy: Economy, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plant = economy.plant
    damage(economy)
    with monkeypatch.context() as patch:
        slow(economy, patch, 300)
        assert not invoke(plant)["done"]
        assert metrics(capsys) == {}, "the alarm keeps the result of the last night"
        assert finished(plant) is None
    found = invoke(plant)
    assert found["done"]
    assert metrics(capsys) == {"LedgerDifferences": found["differences"], "VerifyLedgerFinished": 1}
    assert finished(plant) == Run("verify_ledger", plant.world.now_ms(), plant.world.now_ms(), found["differences"])


def test_a_check_begins_once_a_day(economy: Economy, capsys: pytest.CaptureFixture[str]) -> None:
    plant = economy.plant
    assert invoke(plant) == {"done": True, "differences": 0}
    metrics(capsys)
    plant.world.calls.clear()
    assert invoke(plant) == {"done": True, "differences": None}
    assert dict(plant.world.calls) == {"GetItem": 1, "BatchGetItem": 1, "UpdateItem": 2}
    assert metrics(capsys) == {}
    plant.world.sleep(86_400)
    assert invoke(plant) == {"done": True, "differences": 0}
    assert metrics(capsys) == {"LedgerDifferences": 0, "VerifyLedgerFinished": 1}


def test_a_table_out_of_reach_fails_the_run_and_keeps_its_place(
    economy: Economy, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant = economy.plant
    pages = iter(range(100))
    with monkeypatch.context() as patch:
        slow(economy, patch, 1)
        real = ledger_check.scan_ledger

        def scan(*arguments: Any) -> Any:
            if next(pages) == 3:
                raise StoreError("the table is on fire")
            return real(*arguments)

        patch.setattr(ledger_check, "scan_ledger", scan)
        with pytest.raises(StoreError):
            invoke(plant)
        saved = read_check(plant.context.table, FORM, plant.world.now_ms())
        assert LedgerCheck(plant.context, lambda: None, saved=saved.state).place is not None
    assert invoke(plant) == {"done": True, "differences": 0}


def test_two_runs_do_not_continue_the_same_check(economy: Economy, monkeypatch: pytest.MonkeyPatch) -> None:
    plant = economy.plant
    slow(economy, monkeypatch, 300)
    invoke(plant)
    before = read_check(plant.context.table, FORM, plant.world.now_ms())
    invoke(plant)
    with pytest.raises(ConditionFailed):
        save_check(plant.context.table, before, b"late", FORM, plant.world.now_ms())
    with pytest.raises(ConditionFailed):
        save_check(plant.context.table, SavedCheck(), b"new", FORM, plant.world.now_ms())


def test_a_state_of_another_form_or_of_long_ago_starts_again(economy: Economy, monkeypatch: pytest.MonkeyPatch) -> None:
    plant, table = economy.plant, economy.plant.context.table
    with monkeypatch.context() as patch:
        slow(economy, patch, 300)
        invoke(plant)
    now_ms = plant.world.now_ms()
    assert read_check(table, FORM, now_ms).state
    assert read_check(table, FORM + 1, now_ms) == SavedCheck(1)
    assert read_check(table, FORM, now_ms + KEPT_S * 1000) == SavedCheck(1)
    monkeypatch.setattr(nightly_ledger, "FORM", FORM + 1)
    assert invoke(plant) == {"done": True, "differences": 0}
    assert read_check(table, FORM + 1, now_ms) == SavedCheck(2)


def test_a_large_state_is_kept_in_parts(economy: Economy) -> None:
    table, now_ms = economy.plant.context.table, economy.plant.world.now_ms()
    state = os.urandom(1_000_000)
    saved = save_check(table, SavedCheck(), state, FORM, now_ms)
    assert read_check(table, FORM, now_ms) == saved == SavedCheck(1, state)
    delete(economy.plant, ("LEDGER_CHECK", "00000001#002"))
    assert read_check(table, FORM, now_ms) == SavedCheck(1)
