"""The HTTP adapter: it reads requests, maps errors to statuses and encodes responses."""

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
from chalicelib.domain.core.sentences import NO_OPERATION
from chalicelib.observability import count_now, logger
from chalicelib.services.core.answer import Answer

Headers = dict[str, str | list[str]]

REPLAYED = "Idempotency-Replayed"
# Boards change every second. A page may be 3 s old, so that a thousand readers cost the table one read.
PUBLIC_CACHE = "public, max-age=3"
# Only the caller may keep the response, and revalidates it each time: an unchanged one costs a 304.
PRIVATE_CACHE = "private, no-cache"
# Seconds of Retry-After, drawn from this range: callers that were refused together do not retry together.
RETRY_AFTER_S = (1, 4)
# Browsers must not guess another type than that of Content-Type.
NOSNIFF = {"X-Content-Type-Options": "nosniff"}

CORS = CORSConfig(
    allow_origin=os.environ.get("LAUREL_CORS_ORIGIN", "*"),
    # Chalice adds Authorization, Content-Type and X-Api-Key.
    allow_headers=["If-None-Match", "Last-Event-ID"],
    expose_headers=["ETag", REPLAYED, "Retry-After"],
    max_age=86_400,
)


def add_route(app: Chalice, operation: Operation) -> None:
    """Register an operation with a Chalice application."""

    def answer(**path_parameters: str) -> Response:
        # Chalice sets it for the time of a request.
        return respond(operation, cast(Request, app.current_request), path_parameters)

    answer.__name__ = operation.name
    app.route(operation.path, methods=operation.methods, cors=CORS, content_types=[])(answer)


def respond(operation: Operation, request: Request, path_parameters: dict[str, str]) -> Response:
    """Run one request: authenticate, read the input, run the view, and encode the response or the error.

    HEAD runs as GET does, and the response has no body.
    """
    began = time.monotonic()
    call = Call(operation, request, path_parameters, wiring.context)
    try:
        call.read()
        response = resolve(operation.view)(call) if operation.view else encode(call, call.run())
    except Exception as error:  # noqa: BLE001 - the one place where any of them becomes an answer
        response = refusal(error, lambda: int(call.context.uniform(*RETRY_AFTER_S)))
    if response.status_code == STATUSES[ErrorKind.UNAVAILABLE]:
        count_now("ServiceUnavailable")
    logger.info(
        "request",
        extra={
            "operation": operation.name,
            "method": request.method,
            "path": operation.path,
            "status": response.status_code,
            "player": call.caller.player if call.caller else None,
            "key": call.caller.prefix if call.caller else None,
            "ms": round((time.monotonic() - began) * 1000),
        },
    )
    if request.method == "HEAD":
        response.body = ""
    return response


def encode(call: Call, answer: Any) -> Response:
    """Return an answer as JSON. Reads carry its digest as ETag, and are a 304 if the caller has it.

    API Gateway compresses longer ones for callers that accept it, and does not say so in Vary.
    """
    operation = call.operation
    headers: Headers = {"Content-Type": JSON, "Vary": "Accept-Encoding, Authorization, X-API-Key"}
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


def cached(call: Call, body: str, headers: Headers, public: str = PUBLIC_CACHE) -> Response:
    """Return the response of a read with ETag and Cache-Control, or 304. `public`: the latter, without a caller."""
    tag = f'"{digest(body)}"'
    headers |= {"ETag": tag, "Cache-Control": PRIVATE_CACHE if call.caller else public}
    if _has(call.header("If-None-Match"), tag):
        kept = {name: value for name, value in headers.items() if name != "Content-Type"}
        return Response("", kept, 304)
    return Response(body, headers, 200)


def digest(body: str) -> str:
    """Return a digest of a body: 24 hex digits."""
    return hashlib.blake2b(body.encode(), digest_size=12).hexdigest()


def _has(known: str, tag: str) -> bool:
    """Return whether If-None-Match names the tag. A cache on the way may have made it weak."""
    return any(each.strip().removeprefix("W/") in (tag, "*") for each in known.split(","))


def refusal(error: Exception, busy_s: Callable[[], int] = lambda: RETRY_AFTER_S[0]) -> Response:
    """Return an error as `{"error", "code", ...}` with its status. An unexpected error shows nothing of its cause.

    `busy_s`: the seconds after which to retry if the service is busy.
    """
    public = _public_error(error)
    headers: Headers = {"Content-Type": JSON, "Cache-Control": "no-store"}
    if public.kind is ErrorKind.UNAVAILABLE:
        headers["Retry-After"] = str(busy_s())
    if isinstance(public, TooManyRequests):
        headers["Retry-After"] = str(public.retry_after_s)
    if public.kind is ErrorKind.UNAUTHENTICATED:
        headers["WWW-Authenticate"] = "Bearer"
    return Response(msgspec.json.encode(public.body()).decode(), headers, status_of(public))


def _public_error(error: Exception) -> LaurelError:
    if isinstance(error, LaurelError):
        return error
    if isinstance(error, OutOfReach | LostRace):
        logger.warning("unavailable", extra={"error": repr(error)})
        return Unavailable("The service is busy; try again.")
    logger.error("unexpected", exc_info=error)
    return Internal("Internal error; it has been logged.")


def guard(request: Request | None, go_on: Callable[[Any], Response]) -> Response:
    """Give refusals of Chalice our body, and every response the common headers."""
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
    """Return our response for a refusal of Chalice: a wrong method, or a request that API Gateway did not make."""
    if response.status_code != MethodNotAllowed.status:
        return refusal(Internal("Internal error."))
    allowed = response.headers["Allow"]
    if not allowed:
        return refusal(NotFound(NO_OPERATION))
    ours = refusal(MethodNotAllowed(f"This path supports only {allowed}."))
    ours.headers["Allow"] = allowed
    return ours
