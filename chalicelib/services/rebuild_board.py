"""Rebuild boards from the players: after a restore, or whenever nothing on a board is to be believed.

All of it is orders to the boards' own writers, so events go on meanwhile, and doing it again changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from chalicelib.domain.boards import board_id
from chalicelib.domain.errors import InvalidRequest
from chalicelib.domain.periods import ALL, period_name
from chalicelib.services.context import Context
from chalicelib.services.load_states import load_states
from chalicelib.services.order_repairs import PLAYERS_PER_ORDER, order_mend, order_recount
from chalicelib.services.verify_board import find_board
from chalicelib.store.board_proof import all_logs, stream_rows
from chalicelib.store.player_reads import known_days
from chalicelib.store.players import all_players


def rebuild_board(context: Context, board: str) -> Iterator[int]:
    """Order every entry written from its player's totals, and the index counted anew. Yields entries ordered so far.

    Entries of nobody leave the board.
    """
    ordered = 0
    everybody = (player for page in all_players(context.table) for player in page)
    for players in _chosen(context, board, everybody, lambda score: score is not None and score > 0):
        order_mend(context, board, players)
        ordered += len(players)
        yield ordered
    rows = (row.player for row in stream_rows(context.table, board))
    for players in _chosen(context, board, rows, lambda score: not score):
        order_mend(context, board, players)
        ordered += len(players)
        yield ordered
    order_recount(context, board)


def kept_boards(context: Context) -> list[str]:
    """Every board that has ever been written to, or that a player's totals belong to, and is still kept."""
    days: set[int] = set()
    for page in all_players(context.table):
        days.update(*context.each(lambda player: known_days(context.table, player), page))
    named = {shard.partition("~")[0] for shard in all_logs(context.table)}
    for board in context.rules.ruleset.boards:
        periods = {ALL} if board.period == ALL else {period_name(board.period, day) for day in days}
        named |= {board_id(board.scope, period) for period in periods}
    return [board for board in sorted(named) if _is_kept(context, board)]


def _is_kept(context: Context, board: str) -> bool:
    scope, _, period = board.partition("#")
    try:
        find_board(context, scope, period)
    except InvalidRequest:
        return False
    return True


def _chosen(
    context: Context, board: str, players: Iterable[str], wanted: Callable[[int | None], bool]
) -> Iterator[list[str]]:
    """Those players, order by order, whose score (None: there is no such player) is a wanted one."""
    rest, found = iter(players), list[str]()
    while part := list(islice(rest, PLAYERS_PER_ORDER)):
        states = load_states(context, board, part)
        found += [player for player in part if wanted(states[player].score if player in states else None)]
        if len(found) >= PLAYERS_PER_ORDER:
            yield found
            found = []
    if found:
        yield found
