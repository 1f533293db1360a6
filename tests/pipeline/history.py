"""The commits, in their order, seen from below: new entries of the log as transactions write them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from chalicelib.domain.progress.log import Entry
from tests.pipeline.plant import Plant


@dataclass(frozen=True)
class Committed:
    """One event's entry, when its transaction was carried out."""

    player: str
    minute: str
    entry: Entry
    at_ms: int
    era: int


class Commits:
    """Turns transactions, given in the order in which they were carried out, into `commits`."""

    def __init__(self) -> None:
        self.commits: list[Committed] = []
        self.era = 0
        self._seen: set[tuple[str, str, str, int]] = set()

    def new_era(self) -> None:
        """Begin an era: from now on, a known identity is another event."""
        self.era += 1

    def note(self, request: dict[str, Any], at_ms: int) -> None:
        """Note a TransactWriteItems request as sent over the wire."""
        fresh: list[Committed] = []
        for write in request["TransactItems"]:
            item = write.get("Put", {}).get("Item")
            if not item or not item["sk"]["S"].startswith("LOG#"):
                continue
            player, minute = item["pk"]["S"].removeprefix("PLAYER#"), item["sk"]["S"].split("#")[1]
            for entry in msgspec.json.decode(item["e"]["S"], type=list[Entry]):
                name = (player, minute, entry.identity, self.era)
                if name not in self._seen:
                    self._seen.add(name)
                    fresh.append(Committed(player, minute, entry, at_ms, self.era))
        # One transaction applies events in order of their time; packs of it come in any order.
        self.commits += sorted(fresh, key=lambda one: (one.minute, one.entry.offset))


class History(Commits):
    """Watches the transactions of a simulated table."""

    def __init__(self, plant: Plant) -> None:
        super().__init__()
        below = plant.world.dynamodb._handlers["TransactWriteItems"]

        def watched(operation: str, request: dict[str, Any], call: Any, usage: Any) -> Any:
            answer = below(operation, request, call, usage)
            self.note(request, plant.world.now_ms())
            return answer

        plant.world.dynamodb._handlers["TransactWriteItems"] = watched
