"""History of requests, responses and commits, in the order in which they happened."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.economy.gate import Given
from tests.economy.model import Request
from tests.pipeline.plant import TABLE, Plant

ECONOMY = ("ACCOUNT#", "IDEMPOTENCY#", "HOLD#", "CORRECTED#", "REWARD#", "REDEMPTION#", "INVITE#", "REFERRAL#")


@dataclass
class Asked:
    """One try of a request. `began`, `ended`: number of commits by then; `given`: None if no response came."""

    request: Request
    began: int
    began_ms: int
    ended: int = 0
    ended_ms: int = 0
    given: Given | None = None


@dataclass
class Commit:
    """A write to the economy. `asked`: by whose doing, None for a worker's; `after`: the balances it left."""

    number: int
    at_ms: int
    asked: Asked | None
    writes: list[dict[str, Any]]
    after: dict[str, tuple[int, int]] = field(default_factory=dict)

    def touches(self, kind: str, sort: str = "") -> bool:
        return any(place(write)[0].startswith(kind) and place(write)[1].startswith(sort) for write in self.writes)

    def puts(self, kind: str) -> list[dict[str, Any]]:
        """Return the items put whose partition begins with `kind`."""
        items = [write["Put"]["Item"] for write in self.writes if "Put" in write]
        return [item for item in items if item["pk"]["S"].startswith(kind)]


class History:
    """Watches a plant: every transaction that touched the ledger, in the order in which they were carried out."""

    def __init__(self, plant: Plant) -> None:
        self.plant = plant
        self.asked: list[Asked] = []
        self.commits: list[Commit] = []
        # Of invites, by account and minute.
        self.failures: Counter[tuple[str, str]] = Counter()
        self._asking: dict[Any, Asked] = {}
        # A repetition under the same token is answered, and does nothing.
        self._tokens: set[Any] = set()
        self._whose: dict[int, tuple[Any, Asked | None]] = {}
        self._watch_calls()
        self._watch_effects()

    def begin(self, request: Request) -> Asked:
        asked = Asked(request, len(self.commits), self.plant.world.now_ms())
        self.asked.append(asked)
        self._asking[self.plant.world.scheduler.current()] = asked
        return asked

    def end(self, asked: Asked, given: Given) -> None:
        asked.given, asked.ended, asked.ended_ms = given, len(self.commits), self.plant.world.now_ms()
        del self._asking[self.plant.world.scheduler.current()]

    def _watch_calls(self) -> None:
        """Note the caller when a call is made: its effect may come much later, or when its caller is dead."""
        wire = self.plant.world._wire
        below = wire.act

        def act(actor: Any, service: str, operation: str, params: dict[str, Any], url: str) -> Any:
            if operation == "TransactWriteItems":
                self._whose[id(params)] = params, self._asking.get(actor)
            return below(actor, service, operation, params, url)

        wire.act = act  # type: ignore[method-assign]

    def _watch_effects(self) -> None:
        engine = self.plant.world.dynamodb
        below = engine._handlers["TransactWriteItems"]

        def watched(operation: str, request: dict[str, Any], call: Any, usage: Any) -> Any:
            answer = below(operation, request, call, usage)
            writes, token = request["TransactItems"], request.get("ClientRequestToken")
            again, self._tokens = token in self._tokens, self._tokens | {token}
            if not again and any(place(write)[0].startswith(ECONOMY) for write in writes):
                _, asked = self._whose.get(id(request)) or (None, self._asking.get(None))
                commit = Commit(len(self.commits), self.plant.world.now_ms(), asked, writes)
                commit.after = self._balances(writes)
                self.commits.append(commit)
            return answer

        engine._handlers["TransactWriteItems"] = watched
        update = engine._handlers["UpdateItem"]

        def counted(operation: str, request: dict[str, Any], call: Any, usage: Any) -> Any:
            answer = update(operation, request, call, usage)
            key = request["Key"]
            if key["pk"]["S"].startswith("ATTEMPTS#"):
                row = engine.tables[TABLE].rows[key["pk"]["S"], key["sk"]["S"]][0]
                self.failures[key["pk"]["S"].partition("#")[2], key["sk"]["S"]] = len(row["failed"]["SS"])
            return answer

        engine._handlers["UpdateItem"] = counted

    def _balances(self, writes: list[dict[str, Any]]) -> dict[str, tuple[int, int]]:
        rows, found = self.plant.world.dynamodb.tables[TABLE].rows, {}
        for write in writes:
            pk, sk = place(write)
            if sk == "BALANCE":
                item = rows[pk, sk][0]
                found[pk.removeprefix("ACCOUNT#")] = int(item["balance"]["N"]), int(item["available"]["N"])
        return found


def place(write: dict[str, Any]) -> tuple[str, str]:
    ((_, inner),) = write.items()
    key = inner.get("Key") or inner["Item"]
    return key["pk"]["S"], key["sk"]["S"]
