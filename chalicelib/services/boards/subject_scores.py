"""Score updates of subjects, computed from their own totals: the correct content of a board.

Each kind of subject whose totals are known has a loader here. All else about boards works for every kind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from chalicelib.domain.core.errors import InvalidRequest
from chalicelib.domain.core.sentences import one_of
from chalicelib.domain.core.subjects import PLAYER, parse_subject, player_subject
from chalicelib.domain.progress.scores import BoardUpdate
from chalicelib.services.boards.player_scores import PLAYERS_AT_ONCE, load_player_scores
from chalicelib.services.context import Context
from chalicelib.store.core.keys import Key
from chalicelib.store.progress.players import all_players, players_after, some_players

SUBJECTS_AT_ONCE = PLAYERS_AT_ONCE
# A score update, and the time (ms) of the commit that last changed the subject's level.
DatedUpdate = tuple[BoardUpdate, int]
# (context, board, ids) -> the score updates of those subjects that exist, strongly read.
Loader = Callable[[Context, str, Sequence[str]], list[DatedUpdate]]
LOADERS: dict[str, Loader] = {PLAYER: load_player_scores}


def has_totals(subject: str) -> bool:
    """Return whether the totals of a subject can be loaded, by its kind."""
    return parse_subject(subject)[0] in LOADERS


def load_states(context: Context, board: str, subjects: Sequence[str]) -> dict[str, BoardUpdate]:
    """Return the states of the existing subjects, strongly read. Subjects with a score of 0 are not on the board.

    Raises InvalidRequest for a subject of an unknown kind: it may exist.
    """
    return {name: state for name, (state, _) in load_dated_states(context, board, subjects).items()}


def load_dated_states(context: Context, board: str, subjects: Sequence[str]) -> dict[str, DatedUpdate]:
    """Return the states with the time (ms) of the commit that last changed the level. Raises as `load_states`."""
    ids: dict[str, list[str]] = {}
    for subject in subjects:
        kind, id_ = parse_subject(subject)
        if kind not in LOADERS:
            raise InvalidRequest(f"The kind of '{subject}' must be {one_of(list(LOADERS))}.")
        ids.setdefault(kind, []).append(id_)
    return {dated[0].subject: dated for kind in ids for dated in LOADERS[kind](context, board, ids[kind])}


def all_subjects(context: Context) -> Iterator[list[str]]:
    """Yield all subjects with totals, page by page. Reads the whole table."""
    return (_subjects(page) for page in all_players(context.table))


def subjects_after(context: Context, place: Key | None) -> Iterator[tuple[list[str], Key | None]]:
    """Yield all subjects with totals after a place, page by page.

    Each page comes with the place from which another call continues, None at the end.
    """
    return ((_subjects(page), following) for page, following in players_after(context.table, place))


def some_subjects(context: Context) -> list[str]:
    """Return a page of subjects with totals, from a random place on."""
    return _subjects(some_players(context.table, context.new_id()))


def _subjects(players: Sequence[str]) -> list[str]:
    return [player_subject(player) for player in players]
