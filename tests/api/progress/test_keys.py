from __future__ import annotations

import hashlib
import re

import pytest

from chalicelib.domain.core.errors import InvalidRequest, LostRace
from chalicelib.domain.identity.names import NO_PLAYERS
from chalicelib.services.progress import create_key as module
from chalicelib.services.progress.create_key import create_key
from chalicelib.store.identity.api_keys import read_keys
from chalicelib.store.progress.players import load_player
from tests.api.conftest import Site, request_event
from tests.api.http import request


@pytest.mark.parametrize("player", NO_PLAYERS)
def test_an_id_of_no_player_gets_no_key(site: Site, player: str) -> None:
    with pytest.raises(InvalidRequest, match="and none of"):
        site.key(player)


def test_a_key_has_its_shape_and_is_stored_by_digest_alone(site: Site) -> None:
    made = create_key(site.context, "anna", ["events:write"])
    assert re.fullmatch(r"laurel_[0-9a-f]{8}_[0-9a-f]{32}", made.key)
    assert made.permissions == ["player", "events:write"]
    rows = site.context.table.client.scan(TableName=site.context.table.name)["Items"]
    assert made.key not in str(rows)
    assert made.key.rpartition("_")[2] not in str(rows)
    assert hashlib.sha256(made.key.encode()).hexdigest() in str(rows)


def test_a_key_makes_the_player_exist(site: Site) -> None:
    made = create_key(site.context, "anna")
    player = load_player(site.context.table, "anna")
    assert player is not None
    assert (player.version, player.xp, player.created_at) == (1, 0, made.created_at)
    profile = site.get("/profile", made.key).json
    assert profile["createdAt"] == "2026-05-19T12:00:00.000Z"
    assert site.get(f"/players/{player.identity.public}", site.key("berta")).json["xp"] == 0


def test_a_player_made_by_a_key_earns_the_badge_of_newcomers(site: Site) -> None:
    """Early Adopter checks when the player joined: with a key, that was before any event."""
    key = site.key("anna", "events:write")
    site.post("/events", [request_event("anna", "1"), request_event("berta", "1")], key)
    site.work()
    badges = {badge["id"]: badge["earned"] for badge in site.get("/badges", key).json["badges"]}
    others = {badge["id"]: badge["earned"] for badge in site.get("/players/berta/badges", key).json["badges"]}
    assert badges == others
    assert badges["early-adopter"]
    assert load_player(site.context.table, "anna").created_at < load_player(site.context.table, "berta").created_at  # type: ignore[union-attr]


def test_a_sixth_key_retires_the_oldest(site: Site) -> None:
    keys = []
    for _ in range(5):
        keys.append(site.key("anna"))
        site.world.sleep(1)
    assert all(site.get("/profile", key).status == 200 for key in keys)
    made = create_key(site.context, "anna")
    assert made.retired == [keys[0].rpartition("_")[0]]
    assert site.get("/profile", keys[0]).status == 401
    assert all(site.get("/profile", key).status == 200 for key in [*keys[1:], made.key])
    assert len(read_keys(site.context.table, "anna").active) == 5


def test_a_wrong_id_or_permission_is_refused(site: Site) -> None:
    for player in ("", "a b", "x" * 129, "anna\n"):
        with pytest.raises(InvalidRequest):
            create_key(site.context, player)
    with pytest.raises(InvalidRequest, match="'permission' must be one of player, events:write"):
        create_key(site.context, "anna", ["root"])
    assert site.context.table.client.scan(TableName=site.context.table.name)["Count"] == 0


@pytest.mark.parametrize("seed", range(8))
def test_concurrent_keys_while_the_workers_run(site: Site, seed: int) -> None:
    """At most five keys are active, no event is lost, and the player is created once."""
    site.world.rng.seed(seed)
    writer = site.key("gateway", "events:write")
    site.post("/events", [request_event("anna", str(n)) for n in range(20)], writer)
    actors = [site.world.spawn(f"maker-{n}", create_key, site.context, "anna") for n in range(7)]
    site.work()
    keys = read_keys(site.context.table, "anna")
    assert len(keys.keys) == 7
    assert len(keys.active) == 5
    working = [
        each for each in actors if request("GET", "/api/gamification/profile", key=each.result.key).status == 200
    ]
    assert len(working) == 5
    player = load_player(site.context.table, "anna")
    assert player is not None
    assert player.counters["request"] == 20
    public = [item for item in site.context.table.client.scan(TableName=site.context.table.name)["Items"]
              if item["pk"]["S"].startswith("PUBLIC#") and item["player"]["S"] == "anna"]  # fmt: skip
    assert len(public) == 1


def test_endless_conflicts_are_reported(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(*_: object, **__: object) -> None:
        raise LostRace("another write")

    monkeypatch.setattr(module, "add_key", lost)
    with pytest.raises(LostRace):
        create_key(site.context, "anna")


def test_the_day_of_use_is_noted_once_a_day(site: Site) -> None:
    key = site.key("anna")
    meter = site.world.dynamodb.meter
    site.get("/profile", key)
    before = meter.write_units
    site.get("/profile", key)
    assert meter.write_units == before
    site.world.sleep(86_400)
    site.get("/profile", key)
    assert meter.write_units > before
