from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.message import Message
from typing import Any

import pytest
from botocore.session import Session

from chalicelib import settings, wiring
from chalicelib.services.context import Context
from chalicelib.services.progress.create_key import create_key
from infra.local.stack import Stack


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Message
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


@dataclass(frozen=True)
class Http:
    """The API of the running stack, over real HTTP."""

    url: str

    def ask(self, path: str, key: str = "", body: Any = None, *, method: str | None = None, **headers: str) -> Answer:
        content = None if body is None else json.dumps(body).encode()
        sent = {"Content-Type": "application/json"} | ({"X-API-Key": key} if key else {}) | headers
        request = urllib.request.Request(self.url + path, content, sent, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return Answer(answer.status, answer.headers, answer.read().decode())
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.headers, error.read().decode())

    def get(self, path: str, key: str = "") -> Any:
        """Return the JSON of a read, which must succeed."""
        answer = self.ask(f"/api/gamification/{path}", key)
        assert answer.status == 200, (path, answer.text)
        return answer.json

    def pages(self, scope: str, key: str, limit: int = 200) -> list[dict[str, Any]]:
        """Return every entry of the board's present period, read page by page."""
        entries: list[Any] = []
        while page := self.get(f"leaderboard?scope={scope}&limit={limit}&offset={len(entries)}", key)["entries"]:
            entries += page
        return entries

    def board(self, scope: str, key: str) -> dict[str, int]:
        """Return player -> score on the board's present period, as an admin reads it."""
        return {entry["apiKeyId"]: entry["score"] for entry in self.pages(scope, key)}


@pytest.fixture(scope="module")
def http(stack: Stack) -> Http:
    return Http(stack.api_url)


@pytest.fixture(scope="module")
def laurel(stack: Stack) -> Iterator[Context]:
    """Yield a context on the stack, as the command line builds it."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in stack.environment().items():
            patch.setenv(name, value)
        made = wiring.build(settings.read(stack.environment()), Session())
    yield made
    if made.pool:
        made.pool.shutdown()


@pytest.fixture(scope="module")
def key(laurel: Context) -> Callable[..., str]:
    """Return a function that makes a key for a player, with permissions."""
    return lambda player, *permissions: create_key(laurel, player, permissions).key
