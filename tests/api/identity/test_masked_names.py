"""Tests of masked names: a player without a name has the same mask everywhere, made of the random public id alone."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib import wiring
from chalicelib.domain.identity.names import display_name
from chalicelib.store.boards.archives import start_cursor
from chalicelib.store.progress.players import load_player
from tests.api.conftest import Site, request_event
from tests.api.http import Answer

ADA = "ada@example.com"


def mask_of(site: Site) -> str:
    """Return the mask that the player's public id alone gives."""
    found = load_player(site.context.table, ADA)
    assert found is not None
    return display_name(found.identity.public, None)


def shown(answer: Answer) -> set[str]:
    """Return all display names in an answer."""
    found: set[str] = set()

    def collect(value: Any) -> None:
        if isinstance(value, dict):
            found.update(text for name, text in value.items() if name == "displayName")
            value = list(value.values())
        if isinstance(value, list):
            for each in value:
                collect(each)

    collect(answer.json)
    return found


def test_the_mask_is_the_same_everywhere_and_does_not_depend_on_the_player_id(site: Site) -> None:
    key, other = site.key(ADA), site.key("bob")
    start_cursor(site.context.table, "daily", site.world.now_ms() // 86_400_000 - 1)
    site.post("/events", request_event(ADA, "1"), key=site.key("gate", "events:write"))
    site.work()
    mask = mask_of(site)
    assert mask != display_name(ADA, None)
    public = site.get("/leaderboard").json["entries"][0]["apiKeyId"]
    for path, reader in (
        ("/leaderboard", ""),
        ("/leaderboard?scope=daily", other),
        ("/rank", key),
        ("/profile", key),
        (f"/players/{public}", other),
        (f"/players/{ADA}", other),
    ):
        assert shown(site.get(path, key=reader)) == {mask}, path
    assert f'"displayName":"{mask}"' in site.get("/stream").text
    site.world.sleep(14 * 3600)
    site.close_boards()
    assert shown(site.get("/leaderboard/archive?scope=daily")) == {mask}


def test_two_deployments_mask_the_same_player_differently(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    first = shown(site.get("/profile", key=site.key(ADA)))
    other = Site()  # takes over the clients: one world at a time
    monkeypatch.setattr(wiring, "context", lambda: other.context)
    for number in range(3):  # the random ids of a simulated world are counted
        other.key(f"before-{number}")
    assert shown(other.get("/profile", key=other.key(ADA))) != first
    other.world.close()
