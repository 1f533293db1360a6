"""Corrections of a board's nodes, by as many intents as they need, while nobody else begins one."""

from __future__ import annotations

import msgspec

from chalicelib.domain.boards.rank_index import Changes
from chalicelib.domain.core.errors import LostRace
from chalicelib.services.boards.writer import INTENT_MS, Draft, TooLarge, commit, settle
from chalicelib.services.context import Context
from chalicelib.store.boards.redo_log import Log

# What an intent of corrections holds before it is compressed: it fits into the log, however badly that goes.
MAX_PART_BYTES = 64 * 1024
# No intent is begun after so long: a step that has many corrections is taken again for those that are left.
WRITE_MS = 10_000


def write_corrections(
    context: Context, board: str, shard: str, log: Log, changes: Changes, highest: int
) -> tuple[Log, bool]:
    """Write changes that were worked out from the board as of `log`; returns the log after them, and whether there was
    time for all of them.

    Intents get numbers above `highest`, or nodes that claim such a number would refuse them. Raises LostRace if another
    writer has begun an intent since: then the changes that are left may be wrong.
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
    """What is left of corrections. `at`: the log's number at which they hold."""

    def __init__(self, log: Log, changes: Changes, highest: int) -> None:
        self.at = log.seq
        self.left = [Draft([], part, -1, highest + 1) for part in _parts(changes)]

    def plan(self, log: Log) -> Draft | None:
        return self.left[0] if log.seq == self.at else None

    def is_done(self, draft: Draft) -> None:
        self.at = max(self.at + 1, draft.seq)
        del self.left[0]

    def halve(self) -> None:
        """Make two intents of the next one. Raises TooLarge if it is of a single node."""
        draft, names = self.left[0], list(self.left[0].nodes)
        if len(names) < 2:
            raise TooLarge(f"{names}")
        halves = (names[: len(names) // 2], names[len(names) // 2 :])
        self.left[:1] = [
            Draft([], {name: draft.nodes[name] for name in half}, draft.latest, draft.seq) for half in halves
        ]


def _parts(changes: Changes) -> list[Changes]:
    """Parts that fit into an intent. A tie group's runs come before its volumes, those before its mark: until then
    nobody looks at them."""
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
