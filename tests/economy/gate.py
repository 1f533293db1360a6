"""The HTTP API for many callers at once: requests whole, from key to answer, without Chalice's one current request."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from functools import cache
from typing import Any

from chalice.app import Request
from chalice.local import RouteMatcher

import app
from chalicelib.api.blueprint import PREFIX, respond
from chalicelib.api.operation import OPERATIONS, Operation
from tests.api.http import EVENT
from tests.economy.spelling import REPLAYED


@dataclass(frozen=True)
class Given:
    """What came back."""

    status: int
    body: Any
    replayed: bool
    retry_after: str = ""


def send(method: str, path: str, body: Any, key: str) -> Given:
    """One request with an API key."""
    route, captured, query = _match(PREFIX + path)
    operation, view = _views()[method, route]
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
    response = respond(operation, view, Request(event, None), captured)
    found = json.loads(response.body)
    return Given(
        response.status_code, found, REPLAYED in response.headers, str(response.headers.get("Retry-After", ""))
    )


@cache
def _matcher() -> RouteMatcher:
    return RouteMatcher(list(app.app.routes))


def _match(path: str) -> tuple[str, dict[str, str], dict[str, list[str]]]:
    found = _matcher().match_route(path)
    return found.route, found.captured, found.query_params


@cache
def _views() -> dict[tuple[str, str], tuple[Operation, Any]]:
    modules = [module for name, module in sys.modules.items() if name.startswith("chalicelib.api.")]
    views = {}
    for operation in OPERATIONS:
        for module in modules:
            view = getattr(module, operation.name, None)
            if getattr(view, "__module__", "") == module.__name__:
                views[operation.method, operation.path] = operation, view
    return views
