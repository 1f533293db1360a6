"""Reads of a board by frontends, compared with a sorted list."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from typing import Any

from chalicelib.domain.identity.permissions import ADMIN
from chalicelib.services.boards.read_leaderboard import read_leaderboard
from chalicelib.services.boards.read_rank import read_rank
from chalicelib.services.context import Context
from chalicelib.services.identity.authenticate import Caller
from tests.boards.naive import SortedBoard, Spot

NEIGHBOURS = 5
PAGES = 5
RANKS = 4


def reader(player: str = "") -> Caller:
    """Return a caller that sees every id."""
    return Caller(player, "key", frozenset({ADMIN}))


def shown_id(subject: str) -> str:
    """Return the id under which a reader sees a subject: these boards have players only."""
    return subject.removeprefix("player:")


def read_findings(context: Context, board: str, spots: Mapping[str, Spot], rng: random.Random) -> list[str]:
    """Return the differences in pages at random offsets, ranks, neighbours and totals from the HTTP services."""
    sorted_board = SortedBoard(dict(spots))
    listed = sorted_board.listed()
    scope, _, period = board.partition("#")
    found: list[str] = []
    for offset in (0, len(listed), *(rng.randrange(len(listed) + 2) for _ in range(PAGES))):
        limit = rng.choice((1, 3, 10, 200))
        page = read_leaderboard(context, reader(), scope=scope, period=period, limit=limit, offset=offset)
        shown = [(entry.rank, entry.api_key_id, entry.score) for entry in page.entries]
        expected = [
            (sorted_board.rank(each), shown_id(each), score) for each, score, _ in listed[offset : offset + limit]
        ]
        if shown != expected:
            found.append(f"{board}: {limit} from {offset} are {shown}, should be {expected}")
        if page.total != len(listed):
            found.append(f"{board}: total {page.total}, should be {len(listed)}")
    for place in rng.sample(range(len(listed)), min(RANKS, len(listed))):
        found += _rank(context, board, sorted_board, place)
    return found


def _rank(context: Context, board: str, sorted_board: SortedBoard, place: int) -> Iterator[str]:
    listed = sorted_board.listed()
    subject, score, _ = listed[place]
    player = shown_id(subject)
    scope, _, period = board.partition("#")
    own = read_rank(context, reader(player), scope=scope, period=period)
    above = sorted_board.above(score)
    below = len(listed) - above - sorted_board.ties(score)
    better = [other for _, other, _ in listed if other > score]
    expected: dict[str, Any] = {
        "rank": above + 1,
        "score": score,
        "total": len(listed),
        "percentile": 10_000 * below // len(listed),
        "points_to_next": better[-1] - score if better else None,
        "neighbours": [
            (sorted_board.rank(other), shown_id(other))
            for other, _, _ in listed[max(0, place - NEIGHBOURS) : place + NEIGHBOURS + 1]
        ],
    }
    shown = {name: getattr(own, name) for name in expected}
    shown["neighbours"] = [(each.rank, each.api_key_id) for each in own.neighbours]
    for name, value in expected.items():
        if shown[name] != value:
            yield f"{board}: {name} of {player} is {shown[name]}, should be {value}"
