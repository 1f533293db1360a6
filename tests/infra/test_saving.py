"""Tests of the script that saves the emulator's state. MiniStack itself is not in this environment."""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from infra.local.saved_state import adopt


@pytest.fixture
def saving(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Return the script with a MiniStack that saves as the real one: it logs errors, and continues."""
    persistence = ModuleType("ministack.core.persistence")

    def save_all(services: dict[str, Callable[[], Any]]) -> None:
        for name, get_state in services.items():
            try:
                state = get_state()
                if state is not None:
                    Path(persistence.STATE_DIR, f"{name}.json").write_text(json.dumps(state))
            except Exception as error:
                print(error)

    modules = {name: ModuleType(name) for name in ("ministack", "ministack.app", "ministack.core")}
    modules["ministack"].app = modules["ministack.app"]  # type: ignore[attr-defined]
    modules["ministack.core"].persistence = persistence  # type: ignore[attr-defined]
    persistence.save_all = save_all  # type: ignore[attr-defined]
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setenv("STATE_DIR", str(tmp_path))
    monkeypatch.delitem(sys.modules, "infra.local.saving", raising=False)
    script = importlib.import_module("infra.local.saving")
    monkeypatch.delitem(sys.modules, "infra.local.saving")
    return script


def state(data: Path) -> dict[str, Any]:
    adopt(data)
    return {path.stem: json.loads(path.read_text()) for path in data.glob("*.json")}


def full() -> Any:
    raise OSError("No space left on device")


def test_a_save_takes_the_place_of_the_last_one(saving: Any, tmp_path: Path) -> None:
    saving._save_at_the_end({"sqs": lambda: 1, "dynamodb": lambda: 1, "ses": lambda: None})
    saving._save_at_the_end({"sqs": lambda: 2, "dynamodb": lambda: 2, "ses": lambda: None})
    assert state(tmp_path) == {"sqs": 2, "dynamodb": 2}


@pytest.mark.parametrize("failing", [{"sqs"}, {"sqs", "dynamodb"}])
def test_a_save_that_is_not_complete_keeps_the_last_one(saving: Any, tmp_path: Path, failing: set[str]) -> None:
    saving._save_at_the_end({"sqs": lambda: 1, "dynamodb": lambda: 1})
    saving._save_at_the_end({name: full if name in failing else lambda: 2 for name in ("sqs", "dynamodb")})
    assert state(tmp_path) == {"sqs": 1, "dynamodb": 1}


def test_an_error_does_not_end_the_saving(saving: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[str] = []

    def start() -> bool:
        tries.append("fork")
        if len(tries) == 1:
            raise BlockingIOError("Resource temporarily unavailable")
        asyncio.current_task().cancel()  # type: ignore[union-attr]
        return True

    monkeypatch.setattr(saving, "_start", start)
    monkeypatch.setattr(saving, "EVERY_S", 0)
    monkeypatch.setattr(saving, "POLL_S", 0)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(saving._save_regularly())
    assert len(tries) == 2
