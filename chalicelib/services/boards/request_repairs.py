"""Orders to the writers of a board: mend these entries, repair the index; and repairing until a board is right."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from chalicelib.domain.boards.index_proof import Difference
from chalicelib.domain.boards.repair_progress import Repair
from chalicelib.domain.progress.scores import shards_of
from chalicelib.services.boards.messages import BoardMessage
from chalicelib.services.boards.verify_board import Verified, verify_board
from chalicelib.services.context import Context
from chalicelib.services.progress.publish_scores import send_messages, shard_for
from chalicelib.store.boards.redo_log import read_log

# Players of one order: their entries are one intent.
PLAYERS_PER_ORDER = 200
# Looks at a board that is being repaired, with a pause before each; every fifth orders again what is still wrong.
LOOKS, LOOKS_PER_ORDER = 15, 5
# Pauses that a repair under way is waited for: with 2 s each, two hours.
MAX_PAUSES = 3600


def repair_board(
    context: Context,
    board: str,
    wait: Callable[[], None],
    read: Callable[[int], None] = lambda _: None,
    told: Callable[[str, Repair], None] = lambda *_: None,
) -> tuple[Verified, Verified]:
    """Verify a board, have its writers mend what is wrong, and look again until nothing is, or for long enough.

    Returns what was found at first and at last. `wait()`: the pause before something is read again. `read(n)` hears of
    the entries that a verification has read so far, `told(shard, repair)` how far a repair has come.
    """
    first = last = verify_board(context, board, wait, read=read)
    for look in range(LOOKS):
        if not last.differences:
            break
        if look % LOOKS_PER_ORDER == 0 or last.more:
            order_repair(context, board, last.differences)
        wait()
        _wait_for_repairs(context, board, wait, told)
        last = verify_board(context, board, wait, read=read)
    return first, last


def _wait_for_repairs(
    context: Context, board: str, wait: Callable[[], None], told: Callable[[str, Repair], None]
) -> None:
    """Wait until no shard's writer has a repair under way, or for long enough."""
    for _ in range(MAX_PAUSES):
        repairs = {shard: read_log(context.table, shard).repair for shard in all_shards(context, board)}
        for shard, repair in repairs.items():
            if repair is not None:
                told(shard, repair)
        if not any(repairs.values()):
            return
        wait()


def order_repair(context: Context, board: str, differences: Iterable[Difference]) -> None:
    """Order that the entries and the shards with differences are set right."""
    found = list(differences)
    order_mend(context, board, list(dict.fromkeys(each.player for each in found if each.player)))
    order_recount(context, board, sorted({each.shard for each in found}))


def order_mend(context: Context, board: str, players: Sequence[str]) -> None:
    """Order that these players' entries are written from their totals."""
    shards: dict[str, list[str]] = {}
    for player in players:
        shards.setdefault(shard_for(context, board, player), []).append(player)
    send_messages(
        context,
        [
            BoardMessage(board, shard, mend=members[place : place + PLAYERS_PER_ORDER], nonce=context.new_id())
            for shard, members in shards.items()
            for place in range(0, len(members), PLAYERS_PER_ORDER)
        ],
    )


def order_recount(context: Context, board: str, shards: Iterable[str] | None = None) -> None:
    """Order that the index is counted anew from the entries, after all that was ordered before."""
    chosen = all_shards(context, board) if shards is None else shards
    send_messages(context, [BoardMessage(board, shard, repair=True, nonce=context.new_id()) for shard in chosen])


def all_shards(context: Context, board: str) -> list[str]:
    return shards_of(board, context.rules.boards[board.partition("#")[0]].shards)
