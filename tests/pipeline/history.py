"""What was committed, in the order of commits, seen from below: new entries of the log as transactions write them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from chalicelib.domain.log import Entry
from tests.pipeline.plant import TABLE, Plant
from tests.simulated.errors import AwsError


@dataclass(frozen=True)
class Committed:
    """One event's entry, when its transaction was carried out."""

    player: str
    minute: str
    entry: Entry
    at_ms: int
    era: int


class History:
    """Watches the table's transactions."""

    def __init__(self, plant: Plant) -> None:
        self.commits: list[Committed] = []
        self.era = 0
        self._seen: set[tuple[str, str, str, int]] = set()
        self._world = plant.world
        below = plant.world.dynamodb._handlers["TransactWriteItems"]

        def watched(operation: str, request: dict[str, Any], call: Any, usage: Any) -> Any:
            before = {key for key in plant.world.dynamodb.table(TABLE).rows}
            try:
                answer = below(operation, request, call, usage)
            except AwsError:
                raise
            self._note(request, before)
            return answer

        plant.world.dynamodb._handlers["TransactWriteItems"] = watched

    def new_era(self) -> None:
        """From now on, an identity seen before is another event."""
        self.era += 1

    def _note(self, request: dict[str, Any], before: set[Any]) -> None:
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
                    fresh.append(Committed(player, minute, entry, self._world.now_ms(), self.era))
        # One transaction applies events in order of their time; packs of it come in any order.
        self.commits += sorted(fresh, key=lambda one: (one.minute, one.entry.offset))
