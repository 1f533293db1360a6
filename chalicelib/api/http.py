"""Where HTTP meets Laurel: one `route` that reads requests, one mapper of errors, one encoder of answers."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from typing import Any, cast

import msgspec
from chalice.app import Chalice, CORSConfig, Request, Response

from chalicelib import wiring
from chalicelib.api.operation import JSON, Operation, resolve
from chalicelib.api.request import Call
from chalicelib.api.statuses import STATUSES, MethodNotAllowed, status_of
from chalicelib.domain.core.errors import (
    ErrorKind,
    Internal,
    LaurelError,
    LostRace,
    NotFound,
    OutOfReach,
    TooManyRequests,
    Unavailable,
)
from chalicelib.observability import logger
from chalicelib.services.core.answer import Answer

Headers = dict[str, str | list[str]]

REPLAYED = "Idempotency-Replayed"
# Boards move every second; three of staleness take the load of a thousand readers off the table.
PUBLIC_CACHE = "public, max-age=3"
# Kept by nobody else, and asked for again each time: unchanged costs a 304.
PRIVATE_CACHE = "private, no-cache"
# Seconds after which to ask again, from the first to below the second, at random: callers that were refused together
# do not come back together.
RETRY_AFTER_S = (1, 4)
# A browser takes an answer for what its Content-Type says, and for nothing else.
NOSNIFF = {"X-Content-Type-Options": "nosniff"}

CORS = CORSConfig(
    allow_origin=os.environ.get("LAUREL_CORS_ORIGIN", "*"),
    # Beside Authorization, Content-Type and X-Api-Key, which Chalice adds.
    allow_headers=["If-None-Match", "Last-Event-ID"],
    expose_headers=["ETag", REPLAYED, "Retry-After"],
    max_age=86_400,
)


def add_route(app: Chalice, operation: Operation) -> None:
    """Register an operation with a Chalice application."""

    def answer(**path_parameters: str) -> Response:
        # It is there while a request is under way.
        return respond(operation, cast(Request, app.current_request), path_parameters)

    answer.__name__ = operation.name
    app.route(operation.path, methods=[operation.method], cors=CORS, content_types=[])(answer)


def respond(operation: Operation, request: Request, path_parameters: dict[str, str]) -> Response:
    """The whole of one request: who calls, what they ask, the view, its answer or its error."""
    began = time.monotonic()
    call = Call(operation, request, path_parameters, wiring.context)
    try:
        call.read()
        response = resolve(operation.view)(call) if operation.view else encode(call, call.run())
    except Exception as error:  # noqa: BLE001 - the one place where any of them becomes an answer
        response = refusal(error, lambda: int(call.context.uniform(*RETRY_AFTER_S)))
    logger.info(
        "request",
        extra={
            "operation": operation.name,
            "method": operation.method,
            "path": operation.path,
            "status": response.status_code,
            "player": call.caller.player if call.caller else None,
            "key": call.caller.prefix if call.caller else None,
            "ms": round((time.monotonic() - began) * 1000),
        },
    )
    return response


def encode(call: Call, answer: Any) -> Response:
    """An answer's JSON; reads carry its digest as ETag, and are not sent again to who has it."""
    operation = call.operation
    headers: Headers = {"Content-Type": JSON, "Vary": "Authorization, X-API-Key"}
    status = operation.status
    if isinstance(answer, Answer):
        headers |= {REPLAYED: "true"} if answer.replayed else {}
        if answer.refused:
            status = STATUSES[answer.refused]
        answer = answer.outcome
    body = msgspec.json.encode(answer)
    if operation.method != "GET":
        headers["Cache-Control"] = "no-store"
        return Response(body.decode(), headers, status)
    return cached(call, body.decode(), headers)


def cached(call: Call, body: str, headers: Headers) -> Response:
    """A read's answer with ETag and Cache-Control, or 304."""
    tag = f'"{digest(body)}"'
    headers |= {"ETag": tag, "Cache-Control": PRIVATE_CACHE if call.caller else PUBLIC_CACHE}
    if _has(call.header("If-None-Match"), tag):
        kept = {name: value for name, value in headers.items() if name != "Content-Type"}
        return Response("", kept, 304)
    return Response(body, headers, 200)


def digest(body: str) -> str:
    """24 hex digits that tell one body from another."""
    return hashlib.blake2b(body.encode(), digest_size=12).hexdigest()


def _has(known: str, tag: str) -> bool:
    """Whether If-None-Match names the tag; a cache on the way may have made it weak."""
    return any(each.strip().removeprefix("W/") in (tag, "*") for each in known.split(","))


def refusal(error: Exception, busy_s: Callable[[], int] = lambda: RETRY_AFTER_S[0]) -> Response:
    """Any error as `{"error", "code", ...}` with its status; nothing of the inside of an unexpected one.

    `busy_s`: after how many seconds to ask a busy service again.
    """
    told = _told(error)
    headers: Headers = {"Content-Type": JSON, "Cache-Control": "no-store"}
    if told.kind is ErrorKind.UNAVAILABLE:
        headers["Retry-After"] = str(busy_s())
    if isinstance(told, TooManyRequests):
        headers["Retry-After"] = str(told.retry_after_s)
    if told.kind is ErrorKind.UNAUTHENTICATED:
        headers["WWW-Authenticate"] = "Bearer"
    return Response(msgspec.json.encode(told.body()).decode(), headers, status_of(told))


def _told(error: Exception) -> LaurelError:
    if isinstance(error, LaurelError):
        return error
    if isinstance(error, OutOfReach | LostRace):
        logger.warning("unavailable", extra={"error": repr(error)})
        return Unavailable("The service is busy; try again.")
    logger.error("unexpected", exc_info=error)
    return Internal("Something went wrong here; it has been noted.")


def guard(request: Request | None, go_on: Callable[[Any], Response]) -> Response:
    """Around every request: what Chalice refuses by itself gets our body, and every answer the headers of all."""
    everywhere: Headers = {**CORS.get_access_control_headers(), **NOSNIFF}
    if request is not None and request.method == "OPTIONS":
        return Response("", everywhere, 204)
    response = go_on(request)
    if isinstance(response.body, dict):
        response = _in_our_words(response)
    for name, value in everywhere.items():
        response.headers.setdefault(name, value)
    return response


def _in_our_words(response: Response) -> Response:
    """Chalice's own refusals: another method of a path, or what is no request of API Gateway."""
    if response.status_code != MethodNotAllowed.status:
        return refusal(Internal("Something went wrong here."))
    allowed = response.headers["Allow"]
    if not allowed:
        return refusal(NotFound("There is nothing at this path."))
    ours = refusal(MethodNotAllowed(f"This path takes {allowed} only."))
    ours.headers["Allow"] = allowed
    return ours
