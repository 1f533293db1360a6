"""Crashes of the emulator: the last save is complete, and what came after it can be sent again."""

from __future__ import annotations

import functools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.local import processes
from infra.local.stack import Stack, running_stack
from infra.package import Package
from infra.settings import ROOT
from tests.stack.altered import SOURCES, depth, until
from tests.stack.conftest import Http
from tests.stack.test_stack_pipeline import event, run_laurel, send

pytestmark = pytest.mark.proof
PLAYERS = [f"crash-{number}" for number in range(3)]
EVENTS = 6  # of each player and part


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAUREL_SAVE_EVERY_S", "1")


@functools.cache
def part(first: int) -> list[dict[str, Any]]:
    """Return events. They are the same at every call: their times are part of their identity."""
    return [event(player, number) for number in range(first, first + EVENTS) for player in PLAYERS]


def send_all(stack: Stack, events: list[dict[str, Any]]) -> None:
    for place in range(0, len(events), 10):
        send(stack, *events[place : place + 10])


def wait_for_save(stack: Stack) -> None:
    """Wait for a save that began after now."""
    began = time.time() + 0.01
    newest = stack.emulator.data / "saved" / "sqs.json"

    def saved_twice() -> bool:
        # The second save after now began after now.
        nonlocal began, left
        if newest.exists() and newest.stat().st_mtime > began:
            began, left = newest.stat().st_mtime, left - 1
        return left == 0

    left = 2
    until(saved_twice, 120, "the state is saved")


def drained(stack: Stack) -> bool:
    return depth(stack, *SOURCES) == 0


def requests(http: Http, key: str) -> dict[str, int]:
    return {player: http.get(f"players/{player}", key)["stats"]["requests"] for player in PLAYERS}


def _post(http: Http, key: str, path: str, body: dict[str, Any]) -> None:
    answer = http.ask(f"/api/gamification/{path}", key, body | {"idempotencyKey": f"{path}-1"})
    assert answer.status in {200, 201}, answer.text


def kill(stack: Stack) -> None:
    process = stack.emulator.process()
    assert process
    os.kill(process.pid, signal.SIGKILL)
    until(lambda: stack.emulator.process() is None, 10, "the emulator has ended")


@pytest.fixture
def killed(local_package: Package, tmp_path: Path) -> Iterator[tuple[Stack, str, dict[str, Any]]]:
    """Yield a stack that was killed during work and runs again, its key, and what the API returned at the last save."""
    with running_stack(tmp_path / "stack", local_package) as stack:
        key = run_laurel(stack, "key", "create", "--player", PLAYERS[0], "--permission", "admin").strip()
        http = Http(stack.api_url)
        send_all(stack, part(0))
        until(lambda: drained(stack), 240, "the first part is applied")
        grant = {"player": PLAYERS[0], "asset": "tokens", "amount": 500, "reason": "test"}
        _post(http, key, "admin/grants", grant)
        _post(http, key, "transfer", {"to": PLAYERS[1], "amount": 5})
        until(lambda: drained(stack), 240, "the transfer is applied")
        wait_for_save(stack)
        known = {"tokens": http.get("profile", key)["tokens"], "board": http.board("weekly", key)}
        send_all(stack, part(EVENTS))
        kill(stack)
        stack.start(local_package, tied=True)
        assert stack.recovered
        assert not stack.fresh
        yield stack, key, known


def test_a_killed_emulator_goes_on_from_its_last_save(killed: tuple[Stack, str, dict[str, Any]]) -> None:
    stack, key, known = killed
    http = Http(stack.api_url)
    assert http.get("profile", key)["tokens"] == known["tokens"] == 495
    assert all(http.board("weekly", key).get(player, 0) >= score for player, score in known["board"].items())
    send_all(stack, part(0) + part(EVENTS))
    until(lambda: drained(stack), 300, "all parts are applied")
    assert requests(http, key) == dict.fromkeys(PLAYERS, 2 * EVENTS)
    run_laurel(stack, "ledger", "verify")
    for scope in ("weekly", "global"):
        run_laurel(stack, "board", "verify", scope)


def test_an_emulator_ends_with_the_process_that_started_it(local_package: Package, tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from infra.local.emulator import Emulator; "
        "Emulator(Path(sys.argv[1])).start(tied=True); print('started', flush=True); time.sleep(600)"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout
        assert starter.stdout.readline() == "started\n"
        pid = json.loads((tmp_path / "state.json").read_text())["pid"]
        starter.kill()
    until(lambda: processes.find(pid) is None, 60, "the emulator ends")
    assert (tmp_path / "data" / "saved").is_dir()
