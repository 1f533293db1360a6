"""A site of the calls that is a running stack, called through a generated client."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from chalicelib.api.operation import JSON, Operation
from chalicelib.domain.boards.archive import Place
from chalicelib.domain.core.periods import day_of, period_before, period_of
from chalicelib.services.context import Context
from chalicelib.services.identity.owners import find_owner
from chalicelib.services.progress.create_key import create_key
from chalicelib.store.boards.archives import Archive, create_archive
from chalicelib.store.core.table import ConditionFailed
from tests.contract.clients import ContractError
from tests.contract.scenario import BY_NAME

PATIENCE_S = 120


class Caller:
    """Calls of one client. `deviations`: what was wrong, by operation; `kinds`: (TypeScript type, JSON) of all values.

    `depth`: returns the number of messages in the queues.
    """

    def __init__(
        self,
        name: str,
        context: Context,
        send: Callable[[Mapping[str, Any]], dict[str, Any]],
        depth: Callable[[], int],
    ) -> None:
        self.name, self.context, self.send, self.depth = name.lower(), context, send, depth
        self.keys: dict[str, str] = {"": ""}
        self.called: list[str] = []
        self.deviations: dict[str, str] = {}
        self.kinds: list[tuple[str, str]] = []

    def id(self, player: str) -> str:
        return f"{player}-{self.name}"

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
        sent: dict[str, Any] = {
            "operation": operation,
            "tag": found.tag,
            "method": found.method,
            "route": found.path,
            "key": self._key(caller),
            "path": dict(path or {}),
            "query": dict(query or {}),
            "text": found.media != JSON,
        } | ({"body": body} if body is not None else {})
        answer = self.send(sent)
        self.called.append(operation)
        wrong = deviation(found, answer)
        if wrong:
            self.deviations.setdefault(operation, wrong)
        if answer["status"] != found.status:
            raise ContractError(f"{operation}: {wrong}\n{answer['raw'][:500]}")
        self._note(found, sent, answer)
        return json.loads(answer["raw"]) if found.media == JSON else answer["raw"]

    def settle(self, player: str) -> None:
        # A message is invisible while it is applied.
        deadline = time.monotonic() + PATIENCE_S
        while self.depth():
            if time.monotonic() > deadline:
                raise ContractError(f"The events of {player} were not applied within {PATIENCE_S} s.")
            time.sleep(0.2)

    def archive(self) -> None:
        now_ms = self.context.now_ms()
        last = period_before(period_of("weekly", day_of(now_ms)))
        place = Place(1, find_owner(self.context, self.id("ada")).public, 812, now_ms, 3, "Beginner")
        try:
            create_archive(self.context.table, Archive("weekly", last.id, 1, now_ms, [place]))
        except ConditionFailed:
            # An earlier client's.
            return

    def _key(self, caller: str) -> str:
        if caller not in self.keys:
            permissions = ["admin"] if caller == "root" else []
            self.keys[caller] = create_key(self.context, self.id(caller), permissions).key
        return self.keys[caller]

    def _note(self, found: Operation, sent: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
        kind = f'operations["{found.name}"]'
        if found.answer and found.media == JSON:
            of_answer = f'{kind}["responses"][{found.status}]["content"]["{JSON}"]'
            self.kinds.append((of_answer, answer["raw"]))
        if "body" in sent:
            of_body = f'NonNullable<{kind}["requestBody"]>["content"]["{JSON}"]'
            self.kinds.append((of_body, json.dumps(sent["body"])))
        for part in ("path", "query"):
            if sent[part]:
                self.kinds.append((f'NonNullable<{kind}["parameters"]["{part}"]>', json.dumps(sent[part])))


def deviation(operation: Operation, answer: Mapping[str, Any]) -> str:
    """Return how a client's answer differs from the raw one, or ''."""
    if answer.get("error"):
        return f"failed: {answer['error']}"
    if answer["status"] != operation.status:
        return f"status {answer['status']} instead of {operation.status}"
    if operation.media == JSON and json.loads(answer["raw"]) != answer["parsed"]:
        return f"read {json.dumps(answer['parsed'])[:300]} instead of {answer['raw'][:300]}"
    return "" if answer["raw"] else "an empty body"
