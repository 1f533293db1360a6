"""The table seen from below, while a run is under way: what a board was when it was frozen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.boards.naive import Counts, node_findings
from tests.boards.rows import Item, nodes_of, spots_of
from tests.pipeline.plant import TABLE, Plant


class Watch:
    """Notes on boards during a run.

    `frozen`: board -> its entries when its writer closed it. `torn`: indexes that did not agree with their entries at a
    moment when no intent was pending. `spoilt`: shards with manual edits.
    """

    def __init__(self, plant: Plant) -> None:
        self.plant = plant
        self.frozen: dict[str, dict[str, Item]] = {}
        self.torn: list[str] = []
        self.spoilt: set[str] = set()
        below = plant.world.dynamodb._handlers["UpdateItem"]

        def watched(operation: str, request: Item, call: Any, usage: Any) -> Any:
            answer = below(operation, request, call, usage)
            if request["Key"]["sk"]["S"] == "LOG":
                self._note(request["Key"]["pk"]["S"].removeprefix("BOARD_LOG#"), request["UpdateExpression"])
            return answer

        plant.world.dynamodb._handlers["UpdateItem"] = watched

    def _note(self, shard: str, expression: str) -> None:
        if "frozen = " in expression:
            self.frozen.setdefault(shard, {item["sk"]["S"][6:]: dict(item) for item in self.entries(shard)})
        if "REMOVE pending" in expression and shard not in self.spoilt and "~" not in shard and not self.torn:
            spots = spots_of(self.entries(shard))
            counts, starts = self.nodes(shard)
            if "repair" in self.log(shard):
                # It divides large tie groups by several intents.
                counts, starts = {name: each for name, each in counts.items() if name[0] not in "DV"}, {}
            found = node_findings(counts, starts, spots)
            self.torn += [f"{shard} after {self.log(shard).get('seq')}: {each}" for each in found]

    def entries(self, board: str) -> Iterator[Item]:
        return self.partition(f"BOARD#{board}")

    def log(self, shard: str) -> Item:
        return next(self.partition(f"BOARD_LOG#{shard}"), {})

    def nodes(self, shard: str) -> tuple[Counts, Counts]:
        """Return counters and starts of every node."""
        return nodes_of(self.partition(f"NODE#{shard}"))

    def highest(self, shard: str) -> int:
        """Return the highest seq of any node."""
        return max((int(item["seq"]["N"]) for item in self.partition(f"NODE#{shard}")), default=0)

    def partition(self, pk: str) -> Iterator[Item]:
        for row in self.plant.world.dynamodb.tables[TABLE].rows.values():
            if row is not None and row[0]["pk"]["S"] == pk:
                yield row[0]
