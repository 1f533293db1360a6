"""Boards of any size, loaded into the simulated table at once: the items that their writer would write.

Scores are lognormal; players reach the board one after the other, at different moments.
"""

from __future__ import annotations

import gc
import hashlib
import math
import random
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from chalicelib.domain.boards.rank_index import Changes, Node, NodeChange, count_moves, counter, start
from chalicelib.domain.boards.ties import divide
from chalicelib.domain.core.subjects import player_subject
from chalicelib.domain.progress.scores import BoardUpdate, board_id
from chalicelib.domain.rules.levels import Levels
from chalicelib.services.boards.writer import merged, write_states
from chalicelib.services.context import Context
from chalicelib.store.boards.entries import Entry, entry_update
from chalicelib.store.boards.nodes import node_update
from chalicelib.store.boards.redo_log import Intent, Log, begin, finish, pack
from chalicelib.store.core.writes import Update, key_of
from tests.bench.deployment import TABLE, Deployment
from tests.simulated.world import START_MS

SCOPE = "global"
BOARD = board_id(SCOPE, "all")
# XP after some months: half of the players have made a thousand requests or so, a few a thousand times that.
MEDIAN, SIGMA = 3_000, 1.25
TOP_SCORE = 4_194_303  # the last one that three levels of the trie hold
XP_PER_COMMIT = 3
APART_MS = 20_000
PER_INTENT = 500
# These attributes have few values: all items share one object for each value.
_SHARED = frozenset(("v", "q", "score", "private", "level", "title", "board"))


class Population:
    """Players 0, 1, 2, ... in the order in which they reached the board. `ties`: every other one has the same score."""

    def __init__(self, players: int, ties: bool, levels: Levels, seed: int = 1) -> None:
        rng = random.Random(seed)
        self.levels, self.ties = levels, ties
        self.ids = [str(uuid.UUID(int=rng.getrandbits(128), version=4)) for _ in range(players)]
        self.scores = [
            MEDIAN if ties and number % 2 else max(1, min(TOP_SCORE, int(rng.lognormvariate(math.log(MEDIAN), SIGMA))))
            for number in range(players)
        ]

    def __len__(self) -> int:
        return len(self.ids)

    def state(self, number: int) -> BoardUpdate:
        player, score = self.ids[number], self.scores[number]
        digest = hashlib.blake2b(player.encode(), digest_size=16).hexdigest()
        level = self.levels.level(score)
        return BoardUpdate(
            subject=player_subject(player),
            score=score,
            version=1 + score // XP_PER_COMMIT,
            reached_at=START_MS - (len(self) - number) * APART_MS,
            level=level,
            title=self.levels.title(level),
            public_id=digest[:16],
            name=digest[16:28] if number % 4 < 2 else "",
            private=number % 16 == 0,
        )

    def standings(self) -> list[int]:
        """Return the players' numbers in board order."""
        return sorted(range(len(self)), key=lambda number: (-self.scores[number], number))


@contextmanager
def board_of(players: int, ties: bool) -> Iterator[tuple[Deployment, Population]]:
    """Yield a deployment with a board of so many players; it is freed after the block: a million are 2.6 GB."""
    deployment = Deployment()
    population = Population(players, ties, deployment.context.rules.levels)
    with _without_collector():
        load(deployment, population)
        try:
            yield deployment, population
        finally:
            deployment.world.dynamodb.tables.clear()


def load(deployment: Deployment, population: Population) -> None:
    """Load the board in the state after the writer's intents of 500 players each."""
    table, nodes = deployment.world.dynamodb.table(TABLE), {}
    table.load(_entries(population, nodes))
    table.load(_node_items(nodes))
    _note(deployment, population)


def write(context: Context, population: Population) -> None:
    """Write the same board by the writer itself: far slower; `load` must be equal."""
    for first in range(0, len(population), PER_INTENT):
        numbers = range(first, min(first + PER_INTENT, len(population)))
        write_states(context, BOARD, BOARD, [population.state(number) for number in numbers])


def _entries(population: Population, nodes: dict[str, Node]) -> Iterator[dict[str, Any]]:
    """Yield the items of entries; add them to the nodes, intent after intent."""
    shared: dict[Any, dict[str, Any]] = {}
    latest = -1
    for seq, first in enumerate(range(0, len(population), PER_INTENT), 1):
        numbers = range(first, min(first + PER_INTENT, len(population)))
        entries = [entry_of(population.state(number)) for number in numbers]
        moves = [(None, entry.spot) for entry in entries]
        _apply(nodes, merged(count_moves(moves), divide(moves, nodes, latest)), seq)
        latest = entries[-1].reached_at
        for entry in entries:
            item = item_written(entry_update(BOARD, entry, seq))
            yield {
                name: shared.setdefault((name, *value.values()), value) if name in _SHARED else value
                for name, value in item.items()
            }


def entry_of(state: BoardUpdate) -> Entry:
    return Entry(
        subject=state.subject,
        version=state.version,
        score=state.score,
        reached_at=state.reached_at,
        level=state.level,
        title=state.title,
        public=state.public_id,
        name=state.name,
        private=state.private,
        on_board=True,
    )


def _apply(nodes: dict[str, Node], changes: Changes, seq: int) -> None:
    for name, change in changes.items():
        node = nodes.setdefault(name, Node())
        node.seq = seq
        for attribute, amount in change.adds.items():
            digit = int(attribute, 16)
            node.counts[digit] = node.counts.get(digit, 0) + amount
        for attribute, moment in change.sets.items():
            assert moment is not None
            node.starts[int(attribute[1:], 16)] = moment


def _node_items(nodes: dict[str, Node]) -> Iterator[dict[str, Any]]:
    for name, node in nodes.items():
        adds = {counter(digit): count for digit, count in node.counts.items()}
        sets: dict[str, int | None] = {start(digit): moment for digit, moment in node.starts.items()}
        yield item_written(node_update(BOARD, name, NodeChange(adds, sets), node.seq))


def item_written(update: Update) -> dict[str, Any]:
    """Return the item that an update creates."""
    names, values = update.names or {}, update.values or {}
    item = {
        name: values[f":{placeholder[1:]}"] for placeholder, name in names.items() if f":{placeholder[1:]}" in values
    }
    return {**key_of(update.key), **item}


def _note(deployment: Deployment, population: Population) -> None:
    """Write the writer's log after its last intent."""
    last = -(-len(population) // PER_INTENT)
    intent = Intent(last, [], {}, population.state(len(population) - 1).reached_at)
    begin(deployment.context.table, BOARD, Log(), last, pack(intent))
    finish(deployment.context.table, BOARD, intent)


@contextmanager
def _without_collector() -> Iterator[None]:
    """Stop the garbage collector: its passes over millions of objects take as long as their creation."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
