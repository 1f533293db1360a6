"""The best players of a board and how many there are, not as the index has it but as base table and counters do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.domain.boards.rank_index import EMPTY, TOTAL, Found, find
from chalicelib.store.boards import keys
from chalicelib.store.boards.entries import Entry, listed_entries, read_entries
from chalicelib.store.boards.nodes import read_nodes
from chalicelib.store.boards.redo_log import read_log
from chalicelib.store.core.models import Item
from chalicelib.store.core.table import Table

# As far as a list goes to the end of a large tie group: what is beyond is found by a scan.
MAX_LISTED = 2500
# Entries read at once when a tie group is searched for: 250 KB.
SCAN_PAGE = 1000
_FIRST, _LAST = "0", ":"


@dataclass(frozen=True, slots=True)
class Standings:
    """`entries`: at least as many of the best as were wanted, if there are. `total`: players on the board.

    `more_ties`: the last one's tie group goes on. `exact`: nobody is missing, and nothing moved meanwhile.
    """

    entries: list[Entry]
    total: int
    more_ties: bool
    exact: bool


def final_standings(table: Table, board: str, shards: Sequence[str], wanted: int) -> Standings:
    """The best `wanted` players, 1 or more, and who is tied with the last of them, as far as that is one run of ties.

    The ordering index says whom to look at, the base table who they are, the counters whether that is all of them.
    """
    before = _logs(table, shards)
    found, total = _find(table, shards, wanted - 1)
    end, expected = _LAST, total
    if found is not None:
        end = keys.order_score(found.score - 1) if found.end is None else keys.order_since(found.score, found.end)
        expected = wanted - 1 - found.skip + found.length
    # A group without a directory that is too large: who is listed of it is the index's word.
    cut = expected > MAX_LISTED
    if cut:
        end, expected = _LAST, wanted
    listed = listed_entries(table, board, (_FIRST, end), expected if cut else expected + 1)
    known = read_entries(table, board, [entry.player for entry in listed])
    entries = [entry for entry in known.values() if entry.on_board]
    entries.sort(key=lambda entry: keys.order(entry.score, entry.reached_at, entry.player))
    same = [entry.spot for entry in listed] == [entry.spot for entry in entries]
    above = sum(found is not None and entry.score > found.score for entry in entries)
    whole = len(entries) == expected and (found is None or above == found.above)
    return Standings(
        entries=entries,
        total=total,
        more_ties=found is not None and len(entries) < found.above + found.ties,
        exact=same and whole and before is not None and before == _logs(table, shards),
    )


def tied_players(table: Table, board: str, score: int, after: str) -> tuple[list[str], str | None]:
    """Players on the board with this score, of some whose ids follow `after`, and the last of those; None at the end.

    A strong read of the base table: nobody is missing.
    """
    start: Item | None = None
    if after:
        pk, sk = keys.entry(board, after)
        start = {"pk": {"S": pk}, "sk": {"S": sk}}
    page = table.query(
        keys.board(board),
        prefix=keys.ENTRY,
        start=start,
        limit=SCAN_PAGE,
        attributes=("sk", "score", "order"),
    )
    players = [
        item["sk"]["S"].removeprefix(keys.ENTRY)
        for item in page.items
        if "order" in item and int(item["score"]["N"]) == score
    ]
    return players, page.next["sk"]["S"].removeprefix(keys.ENTRY) if page.next else None


def _find(table: Table, shards: Sequence[str], offset: int) -> tuple[Found | None, int]:
    """Where an offset lies, and how many players there are."""
    walk = find(offset)
    nodes = read_nodes(table, shards, next(walk), strong=True)
    total = nodes.get(TOTAL, EMPTY).counts.get(0, 0)
    while True:
        try:
            names = walk.send(nodes)
        except StopIteration as end:
            return end.value, total
        nodes = read_nodes(table, shards, names, strong=True)


def _logs(table: Table, shards: Sequence[str]) -> list[int] | None:
    """How far the writers of all shards have come; None while one of them is under way."""
    logs = [read_log(table, shard) for shard in shards]
    return [log.seq for log in logs] if all(log.intent is None for log in logs) else None
