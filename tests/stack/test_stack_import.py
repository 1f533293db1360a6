"""Tests of an import on the local stack: players of another system are imported once, by the command itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from chalicelib.services.context import Context
from chalicelib.services.progress.create_key import create_key
from infra.local.stack import Stack
from tests.bench.player_imports import file_of
from tests.stack.conftest import Http
from tests.stack.test_stack_pipeline import run_laurel

PLAYERS = 60


@pytest.mark.proof
def test_an_import_runs_twice_and_changes_nothing(stack: Stack, http: Http, laurel: Context, tmp_path: Path) -> None:
    file = tmp_path / "players.jsonl"
    file.write_bytes(b"\n".join(file_of(PLAYERS, laurel.now_ms())))
    words = ("player", "import", str(file), "--name", "old-system")
    assert f"{PLAYERS} players: {PLAYERS} imported, 0 unchanged, 0 conflicts" in run_laurel(stack, *words)
    key = create_key(laurel, "player-00007").key
    profile = http.get("profile", key)
    assert (profile["displayName"], profile["xp"], profile["streak"]) == (
        "Name 7",
        100 + 7 * 7919,
        {"current": 8, "longest": 50},
    )
    (posting,) = http.get("statement?asset=coins", key)["postings"]
    assert (posting["kind"], posting["amount"], posting["reason"], posting["causes"]) == (
        "import",
        8,
        "old-system",
        {"import": 8},
    )
    assert f"{PLAYERS} players: 0 imported, {PLAYERS} unchanged, 0 conflicts" in run_laurel(stack, *words)
    assert http.get("profile", key) == profile
    for scope in ("global", "weekly"):
        run_laurel(stack, "board", "verify", scope)
    run_laurel(stack, "ledger", "verify")
