"""An operator edits a board manually, and has it rewritten and repaired during updates."""

from __future__ import annotations

import random

from chalicelib.domain.progress.scores import shards_of
from tests.boards.roster import Roster
from tests.boards.rows import Item
from tests.boards.traffic import Traffic
from tests.boards.watch import Watch
from tests.pipeline.plant import TABLE, Plant
from tests.simulated import Call

# A number that no writer comes to by itself: what carries it is never written again, unless repair goes beyond.
HIGH_SEQ = 10**6


def spoil(plant: Plant, roster: Roster, traffic: Traffic, watch: Watch) -> None:
    """Edit nodes of a board, and entries unless it is frozen; then request their repair."""
    rng = roster.rng
    board = rng.choice(roster.boards)
    shards = shards_of(board, plant.context.rules.boards[board.partition("#")[0]].shards)
    watch.spoilt |= set(shards)
    nodes = [item for shard in shards for item in watch.partition(f"NODE#{shard}")]
    edited = [_edited_node(rng, item) for item in rng.sample(nodes, min(3, len(nodes)))]
    edited.append({"pk": {"S": f"NODE#{shards[0]}"}, "sk": {"S": "0.7"}, "05": {"N": "3"}, "seq": {"N": "1"}})
    if not any(shard in watch.frozen for shard in shards):
        entries = list(watch.entries(board))
        edited += [_edited_entry(rng, item) for item in rng.sample(entries, min(3, len(entries)))]
    for item in edited:
        _put(plant, item)
    traffic.order(board, rewrite=roster.subjects)
    traffic.order(board, repair=True)


def _edited_node(rng: random.Random, item: Item) -> Item:
    names = sorted(name for name in item if name not in ("pk", "sk", "seq", "expires"))
    if not names or rng.random() < 0.3:
        return item | {"seq": {"N": str(HIGH_SEQ)}}
    name = rng.choice(names)
    if rng.random() < 0.2:
        return {kept: value for kept, value in item.items() if kept != name}
    return item | {name: {"N": str(int(item[name]["N"]) + rng.choice((-1, 1, 40)))}}


def _edited_entry(rng: random.Random, item: Item) -> Item:
    change = rng.choice(("score", "seq", "version", "off"))
    if change == "score":
        return item | {"score": {"N": "77"}}
    if change == "off":
        return {name: value for name, value in item.items() if name not in ("board", "order")}
    return item | {"q" if change == "seq" else "v": {"N": str(HIGH_SEQ)}}


def _put(plant: Plant, item: Item) -> None:
    world = plant.world
    world.execute("dynamodb", "PutItem", {"TableName": TABLE, "Item": item}, Call(world.now_ms(), world.rng))
