"""What each route takes and gives: read by the router, and by the OpenAPI document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

TAGS = ("events", "players", "leaderboards", "economy", "admin", "service")


@dataclass(slots=True)
class Operation:
    """One method of one path. Types are msgspec Structs.

    `query`: of the query string; `body`: of a JSON body (several: any of them, or an array of them),
    `optional_body`: to send none is to send `{}`; `answer`: of the answer. `permission`: what the key needs; "" takes
    any request. `optional_key`: a key is read where there is one. `headers`: of a request, each with what it is for.
    `errors`: statuses beside the usual ones. `media`: of an answer that is no JSON. `tagged`: a read's answer has an
    ETag. `replays`: the same request again gets the first answer, and a header says so.
    """

    path: str
    summary: str
    tag: str
    answer: Any = None
    method: str = "GET"
    query: Any = None
    body: Any = None
    optional_body: bool = False
    permission: str = ""
    optional_key: bool = False
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    errors: tuple[int, ...] = ()
    description: str = ""
    media: str = "application/json"
    tagged: bool = True
    replays: bool = False
    name: str = ""


OPERATIONS: list[Operation] = []
