"""Rebuild boards from the players: after a restore, or whenever nothing on a board is to be believed.

All of it is orders to the boards' own writers, so events go on meanwhile, and doing it again changes nothing. Pages are
read one at a time, and each names the place where another rebuild may go on.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import msgspec

from chalicelib.domain.core.errors import InvalidRequest
from chalicelib.domain.core.periods import ALL, period_name
from chalicelib.domain.progress.scores import board_id
from chalicelib.services.boards.player_scores import load_states
from chalicelib.services.boards.request_repairs import PLAYERS_PER_ORDER, order_mend, order_recount
from chalicelib.services.boards.verify_board import find_board
from chalicelib.services.context import Context
from chalicelib.store.boards.entries import entries_after
from chalicelib.store.boards.proof import all_logs
from chalicelib.store.progress.player_reads import known_days
from chalicelib.store.progress.players import all_players, players_after


@dataclass(frozen=True, slots=True)
class Ordered:
    """How far a rebuild has come: entries ordered, and where another one may go on (`place`, "" at the end)."""

    entries: int
    place: str


class _Place(msgspec.Struct, array_like=True):
    """`is_entries`: the players are done, and the entries of nobody are looked for. `key`: what was read last."""

    is_entries: bool = False
    key: tuple[str, str] | None = None


def rebuild_board(context: Context, board: str, place: str = "") -> Iterator[Ordered]:
    """Order every entry written from its player's totals, and the index counted anew. Yields how far it has come.

    Entries of nobody leave the board. `place`: where one that was stopped goes on. Raises InvalidRequest for a place
    that is none.
    """
    begun, ordered = _read_place(place), 0
    if not begun.is_entries:
        for players, following in players_after(context.table, begun.key):
            ordered += _order(context, board, players, lambda score: score is not None and score > 0)
            yield Ordered(ordered, _write_place(_Place(following is None, following)))
        begun = _Place(is_entries=True)
    for players, following in entries_after(context.table, board, begun.key):
        ordered += _order(context, board, players, lambda score: not score)
        yield Ordered(ordered, _write_place(_Place(True, following)) if following else "")
    order_recount(context, board)


def _order(context: Context, board: str, players: list[str], wanted: Callable[[int | None], bool]) -> int:
    """Order the entries of those players whose score (None: there is no such player) is a wanted one; how many."""
    ordered = 0
    for start in range(0, len(players), PLAYERS_PER_ORDER):
        part = players[start : start + PLAYERS_PER_ORDER]
        states = load_states(context, board, part)
        found = [player for player in part if wanted(states[player].score if player in states else None)]
        order_mend(context, board, found)
        ordered += len(found)
    return ordered


def _write_place(place: _Place) -> str:
    return urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def _read_place(text: str) -> _Place:
    if not text:
        return _Place()
    try:
        return msgspec.json.decode(urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=_Place)
    except (ValueError, msgspec.DecodeError) as error:
        raise InvalidRequest("'from' must be a place that a rebuild has named.", parameter="from") from error


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
