"""Is every board what the players' newest states say? Entries, every node, and all that is read, by a sorted list."""

from __future__ import annotations

from collections.abc import Iterator

from chalicelib.domain.progress.scores import BoardUpdate, shard_of, shards_of
from chalicelib.services.boards.verify_board import verify_board
from tests.boards.naive import Spot, node_findings
from tests.boards.reads import read_findings
from tests.boards.roster import Roster
from tests.boards.rows import Item, spots_of
from tests.boards.traffic import Traffic
from tests.boards.watch import Watch
from tests.pipeline.plant import Plant

TOP_SCORE = 10**16 - 1


def findings(plant: Plant, roster: Roster, traffic: Traffic, watch: Watch) -> list[str]:
    """Return all differences, each a sentence."""
    found = list(watch.torn)
    for board in roster.boards:
        found += board_findings(roster, watch, board, plant.context.rules.boards[board.partition("#")[0]].shards)
        found += read_findings(plant.context, board, spots_of(watch.entries(board)), roster.rng)
        found += _verified(plant, board)
    found += _rejected(plant, traffic)
    return found


def board_findings(roster: Roster, watch: Watch, board: str, shards: int) -> list[str]:
    """Yield differences of one board's log, entries and nodes."""
    found = [*_entries(roster, watch, board)]
    for shard in shards_of(board, shards):
        found += _log(watch, board, shard)
        found += _nodes(watch, board, shard, shards)
    return found


def _log(watch: Watch, board: str, shard: str) -> Iterator[str]:
    log = watch.log(shard)
    if "pending" in log or "intent" in log:
        yield f"{shard}: an intent is pending"
    if "repair" in log:
        yield f"{shard}: a repair is left in the middle"
    seq = int(log["seq"]["N"]) if "seq" in log else 0
    if watch.highest(shard) > seq:
        yield f"{shard}: a node is of intent {watch.highest(shard)}, done are {seq}"
    if shard in watch.frozen and "frozen" not in log:
        yield f"{shard}: was frozen, and is not"


def _entries(roster: Roster, watch: Watch, board: str) -> Iterator[str]:
    """Check that each entry is the newest state of its subject, and lies where its score belongs."""
    newest, entries = roster.newest[board], {item["sk"]["S"][6:]: item for item in watch.entries(board)}
    frozen = watch.frozen.get(board)
    for subject in sorted(newest.keys() | entries.keys()):
        item = entries.get(subject)
        if item is None:
            if frozen is None:
                yield f"{board}: {subject} has no entry"
            continue
        yield from _misplaced(board, subject, item)
        if subject not in newest:
            yield from () if int(item["score"]["N"]) == 0 else [f"{board}: {subject} has an entry without a state"]
            continue
        yield from _compared(board, newest[subject], item, _allowed(roster, board, subject, frozen))


def _compared(board: str, state: BoardUpdate, item: Item, allowed: list[Spot]) -> Iterator[str]:
    shown = {
        "name": item["name"]["S"] if "name" in item else "",
        "private": "private" in item,
        "hidden": "hidden" in item,
        "public_id": item["public"]["S"],
    }
    for name, value in shown.items():
        if value != getattr(state, name):
            yield f"{board}: {name} of {state.subject} is {value}, should be {getattr(state, name)}"
    spot = int(item["score"]["N"]), int(item["reachedAt"]["N"])
    if spot not in allowed:
        yield f"{board}: {state.subject} has {spot}, should have {' or '.join(map(str, allowed))}"


def _allowed(roster: Roster, board: str, subject: str, frozen: dict[str, Item] | None) -> list[Spot]:
    """Return the newest state's spot; on a frozen board the one of then, or one brought by a rewrite."""
    newest = roster.newest[board][subject]
    spots = [(newest.score, newest.reached_at)]
    if frozen is None:
        return spots
    then = frozen.get(subject)
    kept = [(int(then["score"]["N"]), int(then["reachedAt"]["N"]))] if then else []
    return kept + spots if subject in roster.rewritten[board] else kept


def _misplaced(board: str, subject: str, item: Item) -> Iterator[str]:
    score, reached_at = int(item["score"]["N"]), int(item["reachedAt"]["N"])
    on_board = score > 0 and "hidden" not in item
    # Orders hold the ids of players alone.
    short = subject.removeprefix("player:")
    expected = f"{TOP_SCORE - score:016d}#{reached_at:013d}#{short}" if on_board else None
    order = item["order"]["S"] if "order" in item else None
    if order != expected or (("board" in item) != on_board):
        yield f"{board}: {subject} lies at {order}, should at {expected}"


def _nodes(watch: Watch, board: str, shard: str, shards: int) -> list[str]:
    spots = {
        subject: spot
        for subject, spot in spots_of(watch.entries(board)).items()
        if shard_of(board, subject, shards) == shard
    }
    return [f"{shard}: {each}" for each in node_findings(*watch.nodes(shard), spots)]


def _verified(plant: Plant, board: str) -> list[str]:
    verified = verify_board(plant.context, board, lambda: None)
    return [f"{board}: verify finds {each}" for each in verified.differences]


def _rejected(plant: Plant, traffic: Traffic) -> Iterator[str]:
    """Yield differences from this rule: exactly the states that can never be written are recorded as rejected."""
    table = plant.world.dynamodb.tables[plant.context.table.name]
    rows = [row[0] for row in table.rows.values() if row and row[0]["pk"]["S"].startswith("FAILURE#")]
    reasons = {item["reason"]["S"] for item in rows if "reason" in item}
    if reasons - {"not_a_board_state"}:
        yield f"rejected for {sorted(reasons)}"
    # A state sent twice is rejected twice.
    if len(rows) < traffic.rejected or (rows and not traffic.rejected):
        yield f"{len(rows)} rejected, {traffic.rejected} should be"
