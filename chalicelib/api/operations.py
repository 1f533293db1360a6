"""What each route takes and gives: read by the router, and by the OpenAPI document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

TAGS = ("events", "players", "leaderboards", "admin", "service")


@dataclass(slots=True)
class Operation:
    """One method of one path. Types are msgspec Structs.

    `query`: of the query string; `body`: of a JSON body (several: any of them, or an array of them); `answer`: of
    the answer. `permission`: what the key needs; "" takes any request. `optional_key`: a key is read where there
    is one. `errors`: statuses beside the usual ones. `media`: of an answer that is no JSON.
    """

    path: str
    summary: str
    tag: str
    answer: Any = None
    method: str = "GET"
    query: Any = None
    body: Any = None
    permission: str = ""
    optional_key: bool = False
    status: int = 200
    errors: tuple[int, ...] = ()
    description: str = ""
    media: str = "application/json"
    name: str = ""


OPERATIONS: list[Operation] = []
