"""Final standings: the best subjects of a board, as base table and counters have them, not as the index lists them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.store.boards import keys
from chalicelib.store.boards.entries import Entry, listed_entries, read_entries
from chalicelib.store.boards.nodes import find_place, read_nodes
from chalicelib.store.boards.redo_log import read_log
from chalicelib.store.core.models import Item
from chalicelib.store.core.table import Table

# The longest list that includes a tie group to its end. A scan finds the subjects beyond it.
MAX_LISTED = 2500
# Entries per page of a search for a tie group: 250 KB.
SCAN_PAGE = 1000
_FIRST, _LAST = "0", ":"


@dataclass(frozen=True, slots=True)
class Standings:
    """The final standings. `entries`: at least the requested number of the best, if there are as many.

    `total`: subjects on the board. `more_ties`: the tie group of the last entry continues. `exact`: no subject is
    missing, and nothing changed during the reads.
    """

    entries: list[Entry]
    total: int
    more_ties: bool
    exact: bool


def final_standings(table: Table, board: str, shards: Sequence[str], count: int) -> Standings:
    """Return the best `count` subjects, 1 or more, and those tied with the last of them within one run of ties.

    The ordering index names the candidates, the base table holds their entries, and the counters show whether any is
    missing.
    """
    before = _logs(table, shards)
    found, total = find_place(lambda names: read_nodes(table, shards, names, strong=True), count - 1)
    end, expected = _LAST, total
    if found is not None:
        end = keys.order_score(found.score - 1) if found.end is None else keys.order_since(found.score, found.end)
        expected = count - 1 - found.skip + found.length
    # A group that is too large and has no directory: only the index decides which of its subjects are listed.
    cut = expected > MAX_LISTED
    if cut:
        end, expected = _LAST, count
    listed = listed_entries(table, board, (_FIRST, end), expected if cut else expected + 1)
    known = read_entries(table, board, [entry.subject for entry in listed])
    entries = [entry for entry in known.values() if entry.on_board]
    entries.sort(key=lambda entry: keys.order(entry.score, entry.reached_at, entry.subject))
    same_order = [entry.spot for entry in listed] == [entry.spot for entry in entries]
    above = sum(found is not None and entry.score > found.score for entry in entries)
    complete = len(entries) == expected and (found is None or above == found.above)
    return Standings(
        entries=entries,
        total=total,
        more_ties=found is not None and len(entries) < found.above + found.ties,
        exact=same_order and complete and before is not None and before == _logs(table, shards),
    )


def tied_subjects(table: Table, board: str, score: int, after: str) -> tuple[list[str], str | None]:
    """Return subjects on the board with this score, among one page of subjects after `after`; and the last of the page.

    None instead of the last subject at the end. The read of the base table is strong, so no subject is missing.
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
    subjects = [
        item["sk"]["S"].removeprefix(keys.ENTRY)
        for item in page.items
        if "order" in item and int(item["score"]["N"]) == score
    ]
    return subjects, page.next["sk"]["S"].removeprefix(keys.ENTRY) if page.next else None


def _logs(table: Table, shards: Sequence[str]) -> list[int] | None:
    """Return how far the writers of all shards have come; None while one of them is writing."""
    logs = [read_log(table, shard) for shard in shards]
    return [log.seq for log in logs] if all(log.intent is None for log in logs) else None
