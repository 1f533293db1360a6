"""Tests of the output of `make run`, over the API on the simulated AWS."""

from __future__ import annotations

import logging
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from chalicelib import wiring
from chalicelib.cli import trace
from chalicelib.services.boards.rotate_boards import rotate_boards
from chalicelib.services.progress.create_key import create_key
from infra.local import readings
from infra.local.readings import Api, Refused, show
from infra.local.run import PLAN, Unfinished, _serve
from infra.local.stack import Stack
from tests.api.http import request
from tests.cli.conftest import Deployment
from tests.cli.test_replay import small_trace

pytestmark = pytest.mark.usefixtures("api_documents")


class Wired(Api):
    """The API in this process."""

    def text(self, path: str, **parameters: Any) -> str:
        query = "&".join(f"{name}={value}" for name, value in parameters.items())
        answer = request("GET", f"{path}?{query}" if query else path, key=self.key)
        if answer.status != 200:
            raise Refused(f"{path}: {answer.status}: {answer.text}")
        return answer.text


@pytest.fixture
def api(laurel: Deployment, monkeypatch: pytest.MonkeyPatch) -> Api:
    monkeypatch.setattr(wiring, "context", lambda: laurel.context)
    monkeypatch.setattr(readings, "READERS", 1)
    logging.getLogger("laurel").setLevel(logging.CRITICAL)
    return Wired("http://laurel.test", create_key(laurel.context, "admin", ["admin"]).key)


def replayed(laurel: Deployment, folder: Path) -> Counter[str]:
    recording = trace.inspect_file(small_trace(folder))
    events = list(trace.events_of(recording, PLAN, laurel.world.now_ms()))
    for event in events:
        laurel.send("events", event)
    laurel.run()
    return Counter(event["subject"] for event in events)


def test_all_values_are_printed_as_the_api_returns_them(
    laurel: Deployment, api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = replayed(laurel, tmp_path)
    monkeypatch.setattr(readings, "_week_name", lambda _: "2026-W21")
    monkeypatch.setattr(readings, "_yesterday", lambda: "2026-05-18")
    player = expected.most_common(5)[-1][0]
    api.key = create_key(laurel.context, player, ["admin"]).key
    capsys.readouterr()
    assert show(api, expected) == []
    printed = capsys.readouterr().out
    total = sum(laurel.xp(player) or 0 for player in expected)
    assert f"60 events of {len(expected)} players applied, {total:,} XP in total" in printed
    assert "Weekly board, 2026-W21" in printed
    assert "Daily board of yesterday, 2026-05-18" in printed
    best = api.board("weekly", "2026-W21", 1)[0]["apiKeyId"]
    assert f"\n{best}\n  level " in printed
    rank = 1 + sum((laurel.xp(other) or 0) > (laurel.xp(player) or 0) for other in expected)
    assert f"\nAll-time: rank {rank} of {len(expected)}, better than " in printed
    assert re.search(rf"\n > +{rank}  {player} ", printed)
    assert printed.count("\n  curl -s ") == 4
    assert api.key in printed


def test_the_sample_fills_the_boards_of_the_days_on_which_it_was_received(
    laurel: Deployment, api: Api, tmp_path: Path
) -> None:
    replayed(laurel, tmp_path)
    days = [f"2026-05-{day}" for day in range(14, 20)]
    scores = {day: sum(entry["score"] for entry in api.board("daily", day)) for day in days}
    assert all(scores.values()), scores
    assert sum(scores.values()) == sum(entry["score"] for entry in api.board("global"))
    for _ in range(8):  # two empty checks, then the archive
        rotate_boards(laurel.context)
        laurel.run()
        laurel.world.sleep(400)
    archived = {day: sum(entry["score"] for entry in api.board("daily", day)) for day in days}
    assert archived == scores


def test_missing_parts_are_named(laurel: Deployment, api: Api, tmp_path: Path) -> None:
    assert show(api, {"ada": 3}) == [
        "the all-time board is empty",
        "0 of 3 events were applied",
        "the weekly board is empty",
    ]
    expected = replayed(laurel, tmp_path) + Counter({"ada": 1, "player-001": 10})
    assert any("of 71 events were applied" in problem for problem in show(api, expected))


def test_a_refusal_quotes_the_api() -> None:
    with pytest.raises(Refused, match="GET /docs"):
        Api("http://127.0.0.1:9", "k").text("/docs")


def test_only_a_stack_that_ends_by_itself_is_an_error(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    state.write_text('{"port": 1}')
    _serve(Stack(tmp_path))  # it was stopped from elsewhere
    state.write_text('{"port": 1, "pid": 4194305, "started": 1.0}')
    with pytest.raises(Unfinished, match="the emulator has ended"):
        _serve(Stack(tmp_path))
