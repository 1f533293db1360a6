"""The scheduled sampling: the boards it checks, the differences it finds, its end; its worker as Lambda calls it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chalicelib import wiring
from chalicelib.domain.progress.scores import BoardUpdate
from chalicelib.services.boards import sample_boards as service
from chalicelib.services.boards import sample_nodes
from chalicelib.services.boards.sample_boards import sample_boards, sampled_boards
from chalicelib.services.boards.writer import write_states
from chalicelib.store.boards import keys
from chalicelib.workers import verify as worker
from tests.pipeline.plant import Plant
from tests.services.boards.board_edits import GLOBAL, build, delete, edit, item, send
from tests.services.operations.test_archive_worker import SCHEDULE
from tests.simulated.sources import LambdaContext


@pytest.fixture
def plant() -> Plant:
    return build(8)


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every board count as a large one."""
    monkeypatch.setattr(service, "WHOLE", 0)


def sampled(plant: Plant, runs: int = 1) -> set[str]:
    with plant.world.acting_as("verify"):
        return {
            f"{result.board}: {each}"
            for _ in range(runs)
            for result in sample_boards(plant.context, lambda: plant.world.sleep(10))
            for each in result.differences
        }


def test_open_periods_those_before_and_an_older_one_are_checked(plant: Plant) -> None:
    boards = sampled_boards(plant.context)
    assert {GLOBAL, "daily#2026-05-19", "daily#2026-05-18", "weekly#2026-W21", "weekly#2026-W20"} <= set(boards)
    assert {"monthly#2026-05", "monthly#2026-04"} <= set(boards)
    assert all(board >= "daily#2026-04-19" for board in boards if board.startswith("daily"))
    assert len({tuple(sampled_boards(plant.context)) for _ in range(5)}) > 1


def test_small_boards_are_verified_whole(plant: Plant) -> None:
    assert sampled(plant) == set()
    edit(plant, keys.node(GLOBAL, "1.0"), "ADD #25 :n", n=12)
    delete(plant, keys.entry("weekly#2026-W21", "player:p3"))
    assert {line.split(":")[0] for line in sampled(plant)} == {GLOBAL, "weekly#2026-W21"}


@pytest.mark.usefixtures("large")
def test_samples_of_large_boards_find_wrong_counters_and_entries(plant: Plant) -> None:
    send(plant, "far", 40)
    plant.world.run()
    assert sampled(plant, runs=5) == set()
    score = int(item(plant, keys.entry(GLOBAL, "player:p0"))["score"]["N"])
    edit(plant, keys.node(GLOBAL, f"0.{score >> 7}"), f"ADD #{score & 127:02X} :n", n=3)
    edit(plant, keys.entry(GLOBAL, "player:p1"), "SET #score = :s", s=3)
    lines = sampled(plant, runs=10)
    assert f"{GLOBAL}: {GLOBAL}: node 0.0 digit {score}: expected 1 by the ordering index, found 4" in lines
    assert any(line.startswith(f"{GLOBAL}: entry player:p1: expected score ") for line in lines)


@pytest.mark.usefixtures("large")
def test_a_sample_counts_no_counter_that_is_too_large(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample_nodes, "MAX_COUNTED", 0)
    assert [result.nodes for result in sample_boards(plant.context, lambda: None)][:1] == [0]


@pytest.mark.usefixtures("large")
def test_samples_reach_scores_beyond_the_root(plant: Plant) -> None:
    write_states(
        plant.context,
        GLOBAL,
        GLOBAL,
        [BoardUpdate("player:whale", 5_000_000_000, 1, plant.world.now_ms(), 9, "t", "w")],
    )
    lines = sampled(plant, runs=12)
    assert {line.split(": ", 1)[1] for line in lines} == {
        "entry player:whale: expected no entry: there is no such player, found score 5000000000"
    }


def test_a_recently_reached_score_is_no_difference_yet(plant: Plant) -> None:
    plant.world.scheduler.sources.remove(plant.sources["boards"])
    send(plant, "p0", start=50)
    plant.world.run()
    assert sampled(plant) == set()
    plant.world.sleep(service.PATIENCE_MS / 1000)
    assert any("entry player:p0" in line for line in sampled(plant))


def test_the_worker_logs_each_difference_and_counts_them(
    plant: Plant,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(wiring, "context", lambda: plant.context)
    monkeypatch.setattr(worker, "sleep", plant.world.sleep)
    edit(plant, keys.node(GLOBAL, "TOTAL"), "ADD #00 :n", n=12)
    answer = invoke(plant, 900)
    assert answer["differences"] == 1
    assert answer["boards"] >= 6
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    logged = [getattr(record, "difference", "") for record in caplog.records]
    assert "node TOTAL: expected 8, found 20" in logged
    assert any(line.get("BoardDifferences") == [1] for line in lines)
    assert invoke(plant, 60) == {"boards": 0, "differences": 0}, "no time to begin one"


def invoke(plant: Plant, seconds: int) -> Any:
    with plant.world.acting_as("verify"):
        return worker.verify(SCHEDULE, LambdaContext(plant.world, "laurel-verify", "r", seconds))
