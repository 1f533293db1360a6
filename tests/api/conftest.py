"""A deployment in one simulated world, called over HTTP."""

from __future__ import annotations

import json
import logging
import random
from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Any

import pytest

from chalicelib import settings, wiring
from chalicelib.domain.core.subjects import player_subject
from chalicelib.domain.ledger.transfer import MINT, Transfer, transfer_id
from chalicelib.domain.progress.scores import BoardUpdate
from chalicelib.services.boards.rotate_boards import rotate_boards
from chalicelib.services.boards.worker import feed_boards
from chalicelib.services.identity.owners import find_owner
from chalicelib.services.progress.create_key import create_key
from chalicelib.store.ledger.double_entry import post_transfer
from infra.settings import API_FUNCTION
from tests.api.http import Answer, request
from tests.pipeline import plant
from tests.simulated.world import World

BASE = "/api/gamification"
# Values of Retry-After of a busy service, in seconds.
RETRY_AFTER = {"1", "2", "3"}
NOW = "2026-05-19T12:00:00Z"


class Site:
    """The API and its workers. `NOW` is the world's time at the start."""

    def __init__(self) -> None:
        self.plant = plant.build(1, chosen=plant.rules(settings.RULESETS / "default.toml"))
        self.world: World = self.plant.world
        self.context = self.plant.context
        plant.start(self.plant, random.Random(1))

    def key(self, player: str, *permissions: str) -> str:
        return create_key(self.context, player, permissions).key

    def get(self, path: str, key: str = "", **headers: str) -> Answer:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        whole = path if path.startswith("/docs") or "openapi" in path else BASE + path
        return self.request("GET", whole, key=key, headers=sent)

    def post(self, path: str, body: Any, key: str = "", **headers: str) -> Answer:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.request("POST", BASE + path, key=key, body=body, headers=sent)

    def patch(self, path: str, body: Any, key: str = "") -> Answer:
        return self.request("PATCH", BASE + path, key=key, body=body)

    def request(self, method: str, path: str, **more: Any) -> Answer:
        """Send a request to the API, whose function answers it with its own permissions."""
        with self.world.acting_as(API_FUNCTION):
            return request(method, path, **more)

    def fund(self, player: str, amount: int, asset: str = "tokens") -> None:
        """Mint an amount for an existing player."""
        owner = find_owner(self.context, player)
        made = transfer_id(self.world.now_ms(), owner.public, self.context.new_id())
        transfer = Transfer(made, asset, MINT, owner.account, amount, "test", self.world.now_ms())
        tx = self.context.table.transaction()
        post_transfer(tx, transfer, self.context.rules.version)
        tx.commit()

    def work(self) -> None:
        """Let the workers empty the queues."""
        self.world.run()

    def close_boards(self) -> None:
        """Close the ended periods: two checks of the queues, the freeze request, the archive."""
        for _ in range(3):
            with self.world.acting_as("rotate"):
                assert rotate_boards(self.context).failed == {}
            self.work()
            self.world.sleep(60)

    def queued(self, queue: str) -> list[str]:
        """Return the bodies of a queue's messages."""
        return [message.body for message in self.world.queue(self.plant.urls[queue]).messages()]

    def events(self, queue: str = "events") -> list[dict[str, Any]]:
        waiting = [json.loads(body) for body in self.queued(queue)]
        return [event for body in waiting for event in (body if isinstance(body, list) else [body])]

    def put_on_board(self, player: str, score: int, board: str = "global#all", **more: Any) -> None:
        self.put_all_on_board([(player, score)], board, **more)

    def put_all_on_board(self, scores: Iterable[tuple[str, int]], board: str = "global#all", **more: Any) -> None:
        """Write the states of players with the board's own writer."""
        feed_boards(self.context, board, [self._state(player, score, **more) for player, score in scores])

    def _state(self, player: str, score: int, **more: Any) -> BoardUpdate:
        values = {
            "version": 1,
            "reached_at": self.world.now_ms() + len(player),
            "level": 1,
            "title": "Beginner",
            "public_id": sha256(player.encode()).hexdigest()[:16],
        }
        return BoardUpdate(player_subject(player), score, **(values | more))

    def change_identity(self, player: str, **attributes: Any) -> None:
        """Change fields of the identity in the table."""
        table = self.context.table
        item = table.get((f"PLAYER#{player}", "IDENTITY"))
        assert item
        table.put(item | attributes)


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    made = Site()
    monkeypatch.setattr(wiring, "context", lambda: made.context)
    logging.getLogger("laurel").setLevel(logging.CRITICAL)
    yield made
    made.world.close()


@pytest.fixture
def anna(site: Site, bob: str) -> str:
    """Return a key of Anna, who has 200 tokens; Bob exists."""
    key = site.key("anna")
    site.fund("anna", 200)
    return key


@pytest.fixture
def bob(site: Site) -> str:
    """Return a key of Bob."""
    return site.key("bob")


def request_event(player: str, event_id: str, time: str | None = NOW, **data: Any) -> dict[str, Any]:
    event = {
        "specversion": "1.0",
        "id": event_id,
        "source": "gateway/test",
        "type": "request.completed",
        "subject": player,
        "data": {"provider": "openai", "model": "gpt-4o"} | data,
    }
    return event | ({"time": time} if time else {})
