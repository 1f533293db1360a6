"""The rank index after a run of the whole pipeline: its nodes against the entries, ranks and pages that readers get."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence

from chalicelib.domain.progress.scores import shard_of, shards_of
from chalicelib.services.context import Context
from tests.boards.naive import node_findings
from tests.boards.reads import read_findings
from tests.boards.rows import Item, nodes_of, spots_of

# Of some forty boards, most of them days.
BOARDS_READ = 2


def index_findings(context: Context, items: Sequence[Item], boards: Iterable[str]) -> list[str]:
    """Return every difference on these boards. Two of them are read as frontends do."""
    parts: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        parts[item["pk"]["S"]].append(item)
    found: list[str] = []
    kept = sorted(boards)
    for board in kept:
        shards = context.rules.boards[board.partition("#")[0]].shards
        spots = spots_of(parts[f"BOARD#{board}"])
        for shard in shards_of(board, shards):
            own = {each: spot for each, spot in spots.items() if shard_of(board, each, shards) == shard}
            found += [f"{shard}: {each}" for each in node_findings(*nodes_of(parts[f"NODE#{shard}"]), own)]
    rng = random.Random(len(items))
    for board in rng.sample(kept, min(BOARDS_READ, len(kept))):
        found += read_findings(context, board, spots_of(parts[f"BOARD#{board}"]), rng)
    return found
