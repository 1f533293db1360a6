"""Records the examples of the document: the calls in one simulated world, and an error of each status.

`python -m tests.contract.record` writes them to the file that the document is made of. The world's clock and its
random numbers are fixed, so the same code always gives the same examples.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import redirect_stdout
from io import StringIO
from typing import Any
from unittest import mock

from chalicelib import wiring
from chalicelib.api.operation import JSON, Operation
from chalicelib.api.request import MAX_BODY_BYTES
from chalicelib.observability import logger
from chalicelib.store.core.table import Busy
from infra.openapi.examples import FILE
from tests.api.conftest import BASE, Site
from tests.api.http import Answer, request
from tests.contract.scenario import BY_NAME, play

# Items of an array in an example.
SHOWN_ITEMS = 2


class Recorder:
    """A site that keeps the first request and the first answer of each operation."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.keys: dict[str, str] = {"": ""}
        self.recorded: dict[str, Any] = {}

    def id(self, player: str) -> str:
        return player

    def key(self, player: str) -> str:
        if player not in self.keys:
            self.keys[player] = self.site.key(player, *(["admin"] if player == "root" else []))
        return self.keys[player]

    def call(
        self,
        operation: str,
        caller: str = "ada",
        *,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
    ) -> Any:
        found = BY_NAME[operation]
        if not found.answer:
            # The document describes itself.
            return None
        text = "&".join(f"{name}={json.dumps(value).strip(chr(34))}" for name, value in (query or {}).items())
        where = found.path.format(**(path or {})) + (f"?{text}" if text else "")
        answer = request(found.method, where, key=self.key(caller), body=body)
        assert answer.status == found.status, (operation, answer)
        given = answer.json if found.media == JSON else answer.text
        record = self.recorded.setdefault(operation, {"requests": [], "response": shortened(given)})
        if body is not None and _form(body) not in [_form(each) for each in record["requests"]]:
            record["requests"].append(body)
        return given

    def settle(self, player: str) -> None:
        self.key(player)
        self.site.work()

    def archive(self) -> None:
        self.site.world.sleep(7 * 86_400)
        self.site.close_boards()


def _form(body: Any) -> Any:
    return [_form(each) for each in body] if isinstance(body, list) else sorted(body)


def shortened(value: Any) -> Any:
    """Return an answer with short arrays."""
    if isinstance(value, list):
        return [shortened(each) for each in value[:SHOWN_ITEMS]]
    if isinstance(value, dict):
        return {name: shortened(each) for name, each in value.items()}
    return value


def record() -> dict[str, Any]:
    """Return the examples: `operations`, by name, and `errors`, by status."""
    site = Site()
    logger.setLevel("CRITICAL")
    try:
        with mock.patch.object(wiring, "context", return_value=site.context), redirect_stdout(StringIO()):
            recorder = Recorder(site)
            play(recorder)
            return {"operations": recorder.recorded, "errors": _errors(recorder)}
    finally:
        site.world.close()


def _errors(recorder: Recorder) -> dict[str, Any]:
    site, ada, bob, root = recorder.site, *(recorder.key(name) for name in ("ada", "bob", "root"))
    transfer = {"to": "bob", "amount": 60, "idempotencyKey": "lunch-1842"}
    used_up = {"code": site.post("/invite", {"uses": 1}, ada).json["code"]}
    site.post("/invite/redeem", used_up, site.key("cyd"))
    answers = [
        site.get("/leaderboard?scop=weekly"),
        site.get("/profile"),
        site.post("/admin/grants", {}, ada),
        site.get("/players/nobody", ada),
        site.post("/transfer", transfer, ada),
        site.post("/invite/redeem", used_up, site.key("dan")),
        site.post("/events", "x" * (MAX_BODY_BYTES + 1), root),
        site.post("/events", "x", root, Content_Type="text/plain"),
        *(site.post("/invite/redeem", {"code": "AAAA-AAAA"}, bob) for _ in range(11)),
    ]
    answers += [_failing(error) for error in (RuntimeError("unexpected"), Busy("throttled"))]
    found: dict[str, Any] = {}
    for answer in answers:
        found.setdefault(str(answer.status), answer.json)
    return found


def _failing(error: Exception) -> Answer:
    with mock.patch.object(Operation, "run", side_effect=error):
        return request("GET", f"{BASE}/leaderboard")


if __name__ == "__main__":
    FILE.write_text(json.dumps(record(), indent=1, ensure_ascii=False) + "\n", "utf-8")
