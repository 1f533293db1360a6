"""Verification of a board's rank index against its entries, recounted in passes over all of them.

A pass is exact if it read a snapshot of nodes and entries: the shard's writer began no intent while the nodes were
listed, and no entry was written between that and its read. On a busy board, a difference counts only if all passes find
it equally.
"""

from __future__ import annotations

from collections.abc import Iterator

from chalicelib.domain.boards.entry_proof import EntryRow
from chalicelib.domain.boards.index_proof import Difference, NodeRow, Recount
from chalicelib.domain.core.batches import batched
from chalicelib.domain.progress.scores import shards_of
from chalicelib.services.boards.subject_scores import SUBJECTS_AT_ONCE
from chalicelib.services.boards.verify_entries import MAX_SUSPECTS, PART_MS
from chalicelib.services.context import Context
from chalicelib.services.progress.publish_scores import shard_for
from chalicelib.store.boards.proof import read_log_row, stream_node_rows, stream_rows

# Tries to list a shard's nodes while its writer begins no intent.
LISTINGS = 3
# Nodes between two checks of the deadline, some two pages.
NODES_AT_ONCE = 2_000


class NodeProof:
    """Verifies the index. Call `survey` until `is_settled`, up to a limit. `node_count`: the number of nodes."""

    def __init__(self, context: Context, board: str) -> None:
        self.context, self.board = context, board
        self.node_count = 0
        self._shards = shards_of(board, context.rules.boards[board.partition("#")[0]].shards)
        self._passes = 0
        self._exact = False
        self._found: list[Difference] = []
        self._stayed: list[Difference] = []
        # The differences of the last exact pass.
        self._proven: list[Difference] | None = None

    @property
    def is_settled(self) -> bool:
        """Return whether there is no difference, or an exact pass has found them again."""
        return not self._found or (self._exact and self._passes > 1)

    @property
    def in_flight(self) -> int:
        return len(self._found) - len(self.differences())

    def survey(self) -> Iterator[list[EntryRow]]:
        """Run one pass; yield the entries in parts. A pass that ends by OutOfTime does not count."""
        counts = {shard: _ShardCount(self.context, shard) for shard in self._shards}
        for rows in batched(stream_rows(self.context.table, self.board), SUBJECTS_AT_ONCE):
            self.context.require_time(PART_MS)
            for row in rows:
                counts[shard_for(self.context, self.board, row.subject)].take(row)
            yield rows
        self._found = [each for count in counts.values() for each in count.differences()]
        self._exact = all(count.exact for count in counts.values())
        self.node_count = sum(len(count.nodes) for count in counts.values())
        before = {each.identity for each in self._stayed}
        self._stayed = [each for each in self._found if not self._passes or each.identity in before]
        if self._exact:
            self._proven = self._found
        self._passes += 1

    def differences(self) -> list[Difference]:
        """Return the differences of an exact pass that the last pass still finds; else those that all passes found.

        Empty before the second pass.
        """
        if self._passes < 2:
            return []
        if self._proven is None:
            return self._stayed
        still = {(each.shard, each.item) for each in self._found}
        return [each for each in self._proven if (each.shard, each.item) in still]


class _ShardCount:
    """One pass over one shard: a snapshot of its log and nodes, then its entries, one by one."""

    def __init__(self, context: Context, shard: str) -> None:
        self.context, self.shard = context, shard
        self.exact = False
        log = read_log_row(context.table, shard)
        found: dict[str, NodeRow] = {}
        for _ in range(LISTINGS):
            found = self._list()
            self.log, log = log, read_log_row(context.table, shard)
            self.exact = log.reach == self.log.reach
            if self.exact:
                break
        self.newest_log = log
        self.nodes = {name: self.log.node(name, found.get(name, NodeRow())) for name in {*found, *self.log.nodes}}
        self.recount = Recount(self.nodes)
        self.begun = dict(self.log.entries)
        self.latest = -1
        self.wrong: list[Difference] = []

    def _list(self) -> dict[str, NodeRow]:
        found: dict[str, NodeRow] = {}
        for name, row in stream_node_rows(self.context.table, self.shard):
            if len(found) % NODES_AT_ONCE == 0:
                self.context.require_time(PART_MS)
            found[name] = row
        return found

    def take(self, row: EntryRow) -> None:
        """Count an entry in its form at the listing of the nodes, as far as known."""
        if row.seq > self.log.reach:
            if row.seq <= self._reach(row.seq):
                # Written since the nodes were listed: its content at that time is unknown.
                self.exact = False
            else:
                self._note(f"entry {row.subject}", row.seq, row.subject)
        self.begun.pop(row.subject, None)
        self._count(self.log.entry(row.subject, row) or row)

    def differences(self) -> Iterator[Difference]:
        """Yield the differences. Call it once, after all entries."""
        for row in self.begun.values():
            self._count(row)
        for name, node in self.nodes.items():
            if node.seq > self._reach(node.seq):
                self._note(f"node {name}", node.seq)
        if self.latest > self.newest_log.latest:
            self.newest_log = read_log_row(self.context.table, self.shard)
        if self.latest > (known := self.newest_log.latest):
            self.wrong.append(Difference("log", f"latest moment {self.latest} at least", str(known)))
        if self.log.pending is not None:
            # Writers complete pending intents. One that is still pending at the next pass was abandoned.
            self.wrong.append(Difference(f"intent {self.log.pending}", "to be done", "started only"))
        for each in (*self.wrong, *self.recount.differences()):
            item = f"{self.shard}: {each.item}" if "~" in self.shard else each.item
            yield Difference(item, each.expected, each.found, self.shard, each.subject, each.offset)

    def _count(self, row: EntryRow) -> None:
        if row.on_board:
            self.recount.add(row.score, row.reached_at)
            self.latest = max(self.latest, row.reached_at)

    def _reach(self, needed: int) -> int:
        """Return the highest intent number, read again if it is less than `needed`."""
        if self.newest_log.reach < needed:
            self.newest_log = read_log_row(self.context.table, self.shard)
        return self.newest_log.reach

    def _note(self, item: str, seq: int, subject: str = "") -> None:
        if len(self.wrong) < MAX_SUSPECTS:
            expected = f"to be written by intent {self.newest_log.reach} at most"
            self.wrong.append(Difference(item, expected, str(seq), self.shard, subject))
