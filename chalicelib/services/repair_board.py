"""Count the rank index of a board anew from its entries: an order to the board's own writer."""

from __future__ import annotations

from array import array

import msgspec

from chalicelib.domain.index_repair import corrections
from chalicelib.domain.rank_index import Changes
from chalicelib.services.board_messages import shard_for
from chalicelib.services.context import Context
from chalicelib.services.write_board import Draft, TooLarge, commit
from chalicelib.store.board_entries import scan_spots
from chalicelib.store.board_log import Log
from chalicelib.store.board_nodes import list_nodes

# What an intent of repairs holds before it is compressed: it fits into the log, however badly that goes.
MAX_PART_BYTES = 64 * 1024


def repair_shard(context: Context, board: str, shard: str) -> int:
    """Make every node what the entries say, on a frozen board too; returns how many were written.

    Eight bytes a player, and all nodes, are in memory. Raises StoreError; what has begun is completed by the next.
    """
    repair = _Repair(context, board, shard)
    written = 0
    while True:
        try:
            draft = commit(context, board, shard, repair.plan)
        except TooLarge:
            repair.halve()
            continue
        if draft is None:
            return written
        repair.is_done(draft)
        written += len(draft.nodes)


class _Repair:
    """A survey of a shard and what is left of its corrections: several intents, if they are many."""

    def __init__(self, context: Context, board: str, shard: str) -> None:
        self.context, self.board, self.shard = context, board, shard
        # The log at which the corrections hold: any other writer's intent makes them void.
        self.at = -1
        self.left: list[Draft] = []

    def plan(self, log: Log) -> Draft | None:
        if log.seq != self.at:
            self.at, self.left = log.seq, self._survey(log)
        return self.left[0] if self.left else None

    def is_done(self, draft: Draft) -> None:
        self.at = max(self.at + 1, draft.seq)
        self.left = self.left[1:]

    def halve(self) -> None:
        """Make two intents of the next one. Raises TooLarge if it is of a single node."""
        draft, names = self.left[0], list(self.left[0].nodes)
        if len(names) < 2:
            raise TooLarge(f"{self.shard}: {names}")
        halves = (names[: len(names) // 2], names[len(names) // 2 :])
        self.left[:1] = [
            Draft([], {name: draft.nodes[name] for name in half}, draft.latest, draft.seq) for half in halves
        ]

    def _survey(self, log: Log) -> list[Draft]:
        nodes = list_nodes(self.context.table, self.shard)
        groups: dict[int, array[int]] = {}
        latest, highest = -1, max((node.seq for node in nodes.values()), default=0)
        for player, spot, seq in scan_spots(self.context.table, self.board):
            if shard_for(self.context, self.board, player) != self.shard:
                continue
            highest = max(highest, seq)
            if spot is not None:
                groups.setdefault(spot[0], array("q")).append(spot[1])
                latest = max(latest, spot[1])
        changes = corrections(groups, nodes, divides="~" not in self.shard)
        parts = _parts(changes)
        if not parts and (highest > log.seq or latest > log.latest):
            # Nothing is to be written but the log itself: what claims a higher number would never be written again.
            parts = [{}]
        return [Draft([], part, latest, highest + 1) for part in parts]


def _parts(changes: Changes) -> list[Changes]:
    parts: list[Changes] = []
    size = 0
    for name, change in changes.items():
        length = len(name) + len(msgspec.msgpack.encode(change))
        if not parts or size + length > MAX_PART_BYTES:
            parts.append({})
            size = 0
        parts[-1][name] = change
        size += length
    return parts
