"""The sweep that deletes expired items: at once, days late, or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .table import Table

if TYPE_CHECKING:
    from .world import World

PROMPT_MS = 5_000
LATE_MS = (60_000, 3_600_000)


class Sweeper:
    """`mode` as in Faults.ttl. Only what has expired by the virtual clock is ever deleted."""

    def __init__(self, world: World, mode: str) -> None:
        self.world = world
        self.mode = world.rng.choice(("prompt", "late", "never")) if mode == "any" else mode
        self._next_ms = world.now_ms() + PROMPT_MS

    def advance(self) -> None:
        """Delete expired items; called whenever the clock has moved."""
        now_ms = self.world.now_ms()
        if self.mode in ("off", "never") or now_ms < self._next_ms:
            return
        prompt = self.mode == "prompt"
        self._next_ms = now_ms + (PROMPT_MS if prompt else self.world.rng.randint(*LATE_MS))
        self.sweep(1.0 if prompt else self.world.rng.random())

    def sweep(self, share: float) -> int:
        """Delete about this share of the expired items of every table; return their number."""
        return sum(self._sweep(table, share) for table in self.world.dynamodb.tables.values())

    def _sweep(self, table: Table, share: float) -> int:
        attribute, now_ms = table.ttl_attribute, self.world.now_ms()
        if not attribute:
            return 0
        expired = [
            key
            for key, row in table.rows.items()
            if (value := row[0].get(attribute)) is not None and "N" in value and float(value["N"]) * 1000 < now_ms
        ]
        gone = [key for key in expired if share >= 1 or self.world.rng.random() < share]
        for key in gone:
            table.store(key, None, now_ms)
            self.world.count("ttl_delete")
        return len(gone)
