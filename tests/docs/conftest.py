"""One site for each test: a new deployment at 2026-05-19T12:00:00Z, with the default ruleset."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from chalicelib import wiring
from chalicelib.cli import board, ledger
from chalicelib.settings import RULESETS
from tests.cli.conftest import Deployment
from tests.docs.site import Site
from tests.pipeline import plant as plants


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    laurel = Deployment(plants.build(5, chosen=plants.rules(RULESETS / "default.toml")))

    def wait(seconds: float) -> None:
        laurel.world.sleep(seconds)
        laurel.run()

    monkeypatch.setattr(wiring, "context", lambda: laurel.context)
    monkeypatch.setattr(board, "time", SimpleNamespace(sleep=wait))
    monkeypatch.setattr(ledger, "time", SimpleNamespace(sleep=wait))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    logging.getLogger("laurel").setLevel(logging.CRITICAL)
    folder = tmp_path / "reader"
    folder.mkdir()
    made = Site(laurel, folder)
    yield made
    made.close()
