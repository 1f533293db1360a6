"""Nodes of the rank index as items: counters and starts are separate attributes, all written by one update."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

from chalicelib.domain.boards.rank_index import EMPTY, TOTAL, Found, Node, NodeChange, find
from chalicelib.store.boards import keys
from chalicelib.store.boards.bulk import Wire, query_all_as
from chalicelib.store.core.models import Item
from chalicelib.store.core.table import Table, number
from chalicelib.store.core.writes import Update

_COUNTER = re.compile(r"[0-9A-F]{2,3}")
_START = re.compile(r"T[0-9A-F]{2}")
_NodeRow = dict[str, Wire]


def read_nodes(table: Table, shards: Sequence[str], names: Iterable[str], *, strong: bool = False) -> dict[str, Node]:
    """Return the nodes that exist, by name. Nodes of several shards are summed."""
    node_keys = [keys.node(shard, name) for name in names for shard in shards]
    found: dict[str, Node] = {}
    for (_, name), item in table.get_many(node_keys, strong=strong).items():
        node = node_of(item)
        found[name] = _sum(found[name], node) if name in found else node
    return found


def find_place(read: Callable[[list[str]], Mapping[str, Node]], offset: int) -> tuple[Found | None, int]:
    """Find the place of an offset (0: the best), and the number of subjects. `read` returns nodes by name."""
    walk = find(offset)
    nodes = read(next(walk))
    total = nodes.get(TOTAL, EMPTY).counts.get(0, 0)
    while True:
        try:
            names = walk.send(nodes)
        except StopIteration as end:
            return end.value, total
        nodes = read(names)


def stream_nodes(table: Table, shard: str) -> Iterator[tuple[str, Node]]:
    """Yield every node of a shard with its name, with one page in memory at a time, without counters of 0. Strong."""
    for row in query_all_as(table, _NodeRow, keys.nodes(shard)):
        yield row["sk"].S, _node(row)


def node_of(item: Item) -> Node:
    node = Node(int(item["seq"]["N"]) if "seq" in item else 0)
    for name, value in item.items():
        is_start, digit = _meaning(name)
        if digit is not None:
            (node.starts if is_start else node.counts)[digit] = int(value["N"])
    return node


def _node(row: Mapping[str, Wire]) -> Node:
    node = Node(int(row["seq"].N) if "seq" in row else 0)
    for name, value in row.items():
        is_start, digit = _meaning(name)
        if digit is not None and (is_start or value.N != "0"):
            (node.starts if is_start else node.counts)[digit] = int(value.N)
    return node


@lru_cache(maxsize=1024)
def _meaning(name: str) -> tuple[bool, int | None]:
    """Return whether an attribute is a start, and of which digit; None if it is neither a start nor a counter."""
    if _COUNTER.fullmatch(name):
        return False, int(name, 16)
    return True, int(name[1:], 16) if _START.fullmatch(name) else None


def node_update(shard: str, name: str, change: NodeChange, seq: int, expires: int | None = None) -> Update:
    """Return the one update of a node by intent `seq`. It fails if the node has this number, or a later one."""
    sets = {attribute: value for attribute, value in change.sets.items() if value is not None} | {"seq": seq}
    if expires is not None:
        sets["expires"] = expires
    removes = [attribute for attribute, value in change.sets.items() if value is None]
    expression = "SET " + ", ".join(f"#{attribute} = :{attribute}" for attribute in sets)
    if removes:
        expression += " REMOVE " + ", ".join(f"#{attribute}" for attribute in removes)
    if change.adds:
        expression += " ADD " + ", ".join(f"#{attribute} :{attribute}" for attribute in change.adds)
    return Update(
        keys.node(shard, name),
        expression,
        "attribute_not_exists(#seq) OR #seq < :seq",
        {f"#{attribute}": attribute for attribute in (*sets, *removes, *change.adds)},
        {f":{attribute}": number(value) for attribute, value in (sets | change.adds).items()},
    )


def _sum(one: Node, other: Node) -> Node:
    """Sum the nodes of two shards. Shards count different subjects; their tie groups have no common division."""
    digits = one.counts.keys() | other.counts.keys()
    counts = {digit: one.counts.get(digit, 0) + other.counts.get(digit, 0) for digit in digits}
    return Node(max(one.seq, other.seq), counts)
