"""Rebuild boards from their subjects' totals, after a restore or if the content of a board is unreliable.

A rebuild sends orders to the boards' own writers, so events are applied meanwhile, and a repetition changes nothing.
Pages are read one at a time. Each names the place where another rebuild can continue.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import msgspec

from chalicelib.domain.core.batches import batched
from chalicelib.domain.core.errors import InvalidRequest
from chalicelib.domain.core.periods import ALL, period_of
from chalicelib.domain.progress.scores import board_id
from chalicelib.services.boards.player_scores import days_of_players
from chalicelib.services.boards.request_repairs import SUBJECTS_PER_REQUEST, request_recount, request_rewrites
from chalicelib.services.boards.subject_scores import has_totals, load_states, subjects_after
from chalicelib.services.boards.verify_board import find_board
from chalicelib.services.context import Context
from chalicelib.store.boards.entries import entries_after
from chalicelib.store.boards.proof import all_logs


@dataclass(frozen=True, slots=True)
class Ordered:
    """The progress of a rebuild: ordered `entries`, and the `place` where another one can continue ("" at the end)."""

    entries: int
    place: str


class _Place(msgspec.Struct, array_like=True):
    """A place. `is_entries`: subjects are done, entries of other subjects are next. `key`: the last key read."""

    is_entries: bool = False
    key: tuple[str, str] | None = None


def rebuild_board(context: Context, board: str, place: str = "") -> Iterator[Ordered]:
    """Order to rewrite every entry from its subject's totals and to recount the index. Yield the progress.

    Entries of subjects that do not exist leave the board; those of an unknown kind stay. `place`: continue a stopped
    rebuild there. Raises InvalidRequest for an invalid place.
    """
    start, ordered = _read_place(place), 0
    if not start.is_entries:
        for subjects, following in subjects_after(context, start.key):
            ordered += _order(context, board, subjects, lambda score: score is not None and score > 0)
            yield Ordered(ordered, _write_place(_Place(following is None, following)))
        start = _Place(is_entries=True)
    for subjects, following in entries_after(context.table, board, start.key):
        ordered += _order(context, board, subjects, lambda score: not score)
        yield Ordered(ordered, _write_place(_Place(True, following)) if following else "")
    request_recount(context, board)


def _order(context: Context, board: str, subjects: list[str], is_selected: Callable[[int | None], bool]) -> int:
    """Order the entries of subjects whose score (None: no such subject) is selected; return their number."""
    ordered = 0
    for part in batched(filter(has_totals, subjects), SUBJECTS_PER_REQUEST):
        states = load_states(context, board, part)
        found = [subject for subject in part if is_selected(states[subject].score if subject in states else None)]
        request_rewrites(context, board, found)
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
        raise InvalidRequest("'from' must be a position that a stopped rebuild printed.", parameter="from") from error


def kept_boards(context: Context) -> list[str]:
    """Return the boards that were ever written or that players' totals belong to, without expired ones."""
    days = days_of_players(context)
    named = {shard.partition("~")[0] for shard in all_logs(context.table)}
    for board in context.rules.ruleset.boards:
        of_kind = days if board.period != ALL else {0}
        named |= {board_id(board.scope, period_of(board.period, day).id) for day in of_kind}
    return [board for board in sorted(named) if _is_kept(context, board)]


def _is_kept(context: Context, board: str) -> bool:
    scope, _, period = board.partition("#")
    try:
        find_board(context, scope, period)
    except InvalidRequest:
        return False
    return True
