"""The HTTP API for many callers at once: requests whole, from key to answer, without Chalice's one current request."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

from chalice.app import Request
from chalice.local import RouteMatcher

from chalicelib.api.app import app
from chalicelib.api.http import respond
from chalicelib.api.operation import PREFIX, Operation
from chalicelib.api.registry import OPERATIONS
from tests.api.http import EVENT
from tests.economy.spelling import REPLAYED


@dataclass(frozen=True)
class Given:
    """The response to a request."""

    status: int
    body: Any
    replayed: bool
    retry_after: str = ""


def send(method: str, path: str, body: Any, key: str) -> Given:
    """Send one request with an API key."""
    route, captured, query = _match(PREFIX + path)
    operation = _operations()[method, route]
    headers = {"x-api-key": key, "content-type": "application/json"}
    event = EVENT | {
        "httpMethod": method,
        "path": path,
        "body": None if body is None else json.dumps(body),
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "pathParameters": captured,
        "multiValueQueryStringParameters": query,
    }
    response = respond(operation, Request(event, None), captured)
    found = json.loads(response.body)
    return Given(
        response.status_code, found, REPLAYED in response.headers, str(response.headers.get("Retry-After", ""))
    )


@cache
def _matcher() -> RouteMatcher:
    return RouteMatcher(list(app.routes))


def _match(path: str) -> tuple[str, dict[str, str], dict[str, list[str]]]:
    found = _matcher().match_route(path)
    return found.route, found.captured, found.query_params


@cache
def _operations() -> dict[tuple[str, str], Operation]:
    return {(operation.method, operation.path): operation for operation in OPERATIONS}
