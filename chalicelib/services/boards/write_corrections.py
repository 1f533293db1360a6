"""Corrections of a board's nodes, in as many intents as needed, while no other writer begins one."""

from __future__ import annotations

import msgspec

from chalicelib.domain.boards.rank_index import Changes
from chalicelib.domain.core.errors import LostRace
from chalicelib.services.boards.writer import INTENT_MS, Draft, TooLarge, commit, settle
from chalicelib.services.context import Context
from chalicelib.store.boards.redo_log import Log

# Size of an intent of corrections before compression: it fits into the log even if it does not compress.
MAX_PART_BYTES = 64 * 1024
# No intent starts after this time. A step with many corrections is repeated for the rest.
WRITE_MS = 10_000


def write_corrections(
    context: Context, board: str, shard: str, log: Log, changes: Changes, highest: int
) -> tuple[Log, bool]:
    """Write changes that were computed from the board as of `log`.

    Returns the log after them, and whether time sufficed for all. Intents get numbers above `highest`, else nodes with
    such a number would refuse them. Raises LostRace if another writer has begun an intent since: then the remaining
    changes may be wrong.
    """
    work, ends_ms = _Corrections(log, changes, highest), context.now_ms() + WRITE_MS
    while work.left and context.now_ms() < ends_ms and context.has_time(2 * INTENT_MS):
        try:
            draft = commit(context, board, shard, work.plan)
        except TooLarge:
            work.halve()
            continue
        if draft is None:
            break
        work.is_done(draft)
    after = settle(context, board, shard)
    if after.seq != work.at or after.repair != log.repair:
        raise LostRace(f"{shard}: another writer came between")
    return after, not work.left


class _Corrections:
    """The remaining corrections. `at`: the log's number for which they are valid."""

    def __init__(self, log: Log, changes: Changes, highest: int) -> None:
        self.at = log.seq
        self.left = [Draft([], part, -1, highest + 1) for part in _parts(changes)]

    def plan(self, log: Log) -> Draft | None:
        return self.left[0] if log.seq == self.at else None

    def is_done(self, draft: Draft) -> None:
        self.at = max(self.at + 1, draft.seq)
        del self.left[0]

    def halve(self) -> None:
        """Split the next intent into two. Raises TooLarge if it has a single node."""
        draft, names = self.left[0], list(self.left[0].nodes)
        if len(names) < 2:
            raise TooLarge(f"{names}")
        halves = (names[: len(names) // 2], names[len(names) // 2 :])
        self.left[:1] = [
            Draft([], {name: draft.nodes[name] for name in half}, draft.latest, draft.seq) for half in halves
        ]


def _parts(changes: Changes) -> list[Changes]:
    """Return the changes in parts that fit into an intent.

    A tie group's runs precede its volumes, and those precede its mark: readers ignore them before the mark.
    """
    parts: list[Changes] = []
    size = 0
    for name in sorted(changes, reverse=True):
        length = len(name) + len(msgspec.msgpack.encode(changes[name]))
        if not parts or size + length > MAX_PART_BYTES:
            parts.append({})
            size = 0
        parts[-1][name] = changes[name]
        size += length
    return parts
