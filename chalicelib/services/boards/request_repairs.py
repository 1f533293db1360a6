"""Orders to the writers of a board: rewrite entries, repair the index; and repair until a board is correct."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from chalicelib.domain.boards.index_proof import Difference
from chalicelib.domain.boards.repair_progress import Repair
from chalicelib.domain.core.batches import batched
from chalicelib.domain.core.subjects import is_subject
from chalicelib.domain.progress.scores import shards_of
from chalicelib.services.boards.messages import BoardMessage
from chalicelib.services.boards.subject_scores import has_totals
from chalicelib.services.boards.verify_board import Verified, verify_board
from chalicelib.services.context import Context
from chalicelib.services.progress.publish_scores import send_messages, shard_for
from chalicelib.store.boards.redo_log import read_log

# Subjects per order: their entries fit into one intent.
SUBJECTS_PER_REQUEST = 200
# Checks of a board under repair, with a pause before each. Every fifth repeats the orders for the rest.
CHECKS, CHECKS_PER_ORDER = 15, 5
# Pauses while a repair is running: two hours with 2 s each.
MAX_PAUSES = 3600


def repair_board(
    context: Context,
    board: str,
    wait: Callable[[], None],
    read: Callable[[int], None] = lambda _: None,
    report: Callable[[str, Repair], None] = lambda *_: None,
) -> tuple[Verified, Verified]:
    """Verify a board, order repairs of its differences, and verify again until it is correct, up to a limit.

    Returns the first and the last result. `wait()`: the pause before a second read. `read(n)`: called with the number
    of entries that a check has read. `report(shard, repair)`: called with the progress of a repair.
    """
    first = last = verify_board(context, board, wait, read=read)
    for check in range(CHECKS):
        if not last.differences:
            break
        if check % CHECKS_PER_ORDER == 0 or last.more:
            order_repair(context, board, last.differences)
        wait()
        _wait_for_repairs(context, board, wait, report)
        last = verify_board(context, board, wait, read=read)
    return first, last


def _wait_for_repairs(
    context: Context, board: str, wait: Callable[[], None], report: Callable[[str, Repair], None]
) -> None:
    """Wait until no shard has a running repair, up to a limit."""
    for _ in range(MAX_PAUSES):
        repairs = {shard: read_log(context.table, shard).repair for shard in all_shards(context, board)}
        for shard, repair in repairs.items():
            if repair is not None:
                report(shard, repair)
        if not any(repairs.values()):
            return
        wait()


def order_repair(context: Context, board: str, differences: Iterable[Difference]) -> None:
    """Order the repair of all entries and shards with differences."""
    found = list(differences)
    request_rewrites(context, board, list(dict.fromkeys(each.subject for each in found if each.subject)))
    request_recount(context, board, sorted({each.shard for each in found}))


def request_rewrites(context: Context, board: str, subjects: Sequence[str]) -> None:
    """Order to rewrite these subjects' entries from their totals.

    Entries that the writer cannot rewrite are left out: one invalid subject would make it reject the whole message.
    """
    shards: dict[str, list[str]] = {}
    for subject in filter(_is_rewritable, subjects):
        shards.setdefault(shard_for(context, board, subject), []).append(subject)
    send_messages(
        context,
        [
            BoardMessage(board, shard, rewrite=batch, nonce=context.new_id())
            for shard, members in shards.items()
            for batch in batched(members, SUBJECTS_PER_REQUEST)
        ],
    )


def _is_rewritable(subject: str) -> bool:
    return is_subject(subject) and has_totals(subject)


def request_recount(context: Context, board: str, shards: Iterable[str] | None = None) -> None:
    """Order to recount the index from the entries, after all earlier orders."""
    chosen = all_shards(context, board) if shards is None else shards
    send_messages(context, [BoardMessage(board, shard, repair=True, nonce=context.new_id()) for shard in chosen])


def all_shards(context: Context, board: str) -> list[str]:
    return shards_of(board, context.rules.boards[board.partition("#")[0]].shards)
