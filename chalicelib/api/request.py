"""An HTTP request as the input of its operation: caller, path, query and body, each checked."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import unquote

import msgspec
from chalice.app import Request

from chalicelib.api.events.binary_mode import binary_event, is_binary
from chalicelib.api.operation import Auth, Operation
from chalicelib.api.query import read_query
from chalicelib.api.statuses import UnsupportedMediaType
from chalicelib.domain.core.decoding_errors import fault
from chalicelib.domain.core.errors import InvalidRequest, NotFound, OutOfReach, PayloadTooLarge, Unauthenticated
from chalicelib.domain.core.json_values import BYTE_ORDER_MARK, MAX_DEPTH, too_deep, whole_numbers
from chalicelib.domain.core.moments import decode_moment
from chalicelib.domain.core.sentences import NO_OPERATION, not_json
from chalicelib.services.context import Context
from chalicelib.services.identity.authenticate import Caller, authenticate, require

# API Gateway gives up after 29 s, of which a cold start may take five; what follows a commit takes one.
DEADLINE_MS = 22_000
# Half of what SQS takes in four calls; API Gateway itself stops at 10 MB.
MAX_BODY_BYTES = 1024 * 1024
KEY_NEEDED = "A valid API key is required, as 'X-API-Key' or 'Authorization: Bearer'."
JSON_TYPES = ("application/json", "application/cloudevents+json", "application/cloudevents-batch+json")


class Call:
    """One request. `caller` is None without a key; `query` and `body` are of the operation's types."""

    def __init__(
        self,
        operation: Operation,
        request: Request,
        path_parameters: dict[str, str],
        context: Callable[[], Context],
    ) -> None:
        self.operation, self.request = operation, request
        self._path, self._wired = path_parameters, context
        self._context: Context | None = None
        self._began = time.monotonic()
        self.caller: Caller | None = None
        self.query: Any = None
        self.body: Any = None

    @property
    def context(self) -> Context:
        """Return the context under the deadline of this request. It is made at the first use."""
        if self._context is None:
            spent_ms = round((time.monotonic() - self._began) * 1000)
            self._context = self._wired().within(DEADLINE_MS - spent_ms)
        return self._context

    def read(self) -> None:
        """Check everything, in the order in which a caller may know: key, permission, path, query, body."""
        operation = self.operation
        if operation.auth is Auth.KEY or (operation.auth is Auth.OPTIONAL and self.key()):
            self.caller = self._authenticate()
            if self.caller and operation.permission:
                require(self.caller, operation.permission)
        self.query = read_query(self.request.query_params, operation.query_type)
        if operation.body:
            binary = operation.binary_mode and is_binary(self.request.headers)
            raw = read_json(self.request, "null" if binary else "{}" if operation.optional_body else "")
            raw = binary_event(self.request.headers, raw) if binary else raw
            self.body = convert(raw, operation.body_types[0]) if len(operation.body_types) == 1 else raw

    def run(self) -> Any:
        """Call the operation's use case."""
        path = {name: self.path(name) for name in self.operation.path_parameters}
        return self.operation.run(self.context, self.caller, path, self.query, self.body)

    def path(self, name: str) -> str:
        """Return a path parameter, percent-decoded."""
        try:
            return unquote(self._path[name], errors="strict")
        except UnicodeDecodeError as error:
            raise NotFound(NO_OPERATION) from error

    def _authenticate(self) -> Caller | None:
        try:
            return authenticate(self.context, self.key(), self.address())
        except Unauthenticated as error:
            raise Unauthenticated(KEY_NEEDED) from error
        except OutOfReach:
            if self.operation.auth is Auth.KEY or not self.operation.without_table:
                raise
            return None

    def header(self, name: str) -> str:
        return str(self.request.headers.get(name) or "")

    def address(self) -> str:
        """Return the address that API Gateway saw, not one from a header; '' if there is none."""
        address = self.request.context.get("identity", {}).get("sourceIp")
        return str(address or "")

    def key(self) -> str:
        """Return the API key as sent, or ''."""
        found = self.header("X-API-Key").strip()
        if found:
            return found
        scheme, _, rest = self.header("Authorization").strip().partition(" ")
        return rest.strip() if scheme.lower() == "bearer" else ""


def read_json(request: Request, if_empty: str = "") -> Any:
    """Return the body's JSON. Checks size, type, text and depth. `if_empty`: the JSON of an empty body."""
    try:
        # Chalice encodes text.
        raw = cast(bytes, request.raw_body)
    except ValueError as error:
        raise InvalidRequest("The body is not valid base64.") from error
    if not (raw or if_empty):
        raise InvalidRequest("A JSON body is required.", code="not_json")
    if len(raw) > MAX_BODY_BYTES:
        raise PayloadTooLarge(f"The body may have at most {MAX_BODY_BYTES} bytes.", maximum=MAX_BODY_BYTES)
    media = str(request.headers.get("content-type") or JSON_TYPES[0]).partition(";")[0].strip().lower()
    if media not in JSON_TYPES:
        raise UnsupportedMediaType(
            "The body must be JSON, with 'Content-Type: application/json'.", allowed=list(JSON_TYPES)
        )
    raw = raw.removeprefix(BYTE_ORDER_MARK.encode())
    deep = InvalidRequest(f"The body may nest at most {MAX_DEPTH} levels.", code="too_deep", maximum=MAX_DEPTH)
    try:
        value = msgspec.json.decode(raw or if_empty)
    except RecursionError as error:
        raise deep from error
    except msgspec.ValidationError as error:
        raise InvalidRequest("A number in the body is too large.") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidRequest(not_json("The body", error), code="not_json") from error
    if too_deep(value):
        raise deep
    return value


def convert(raw: Any, kind: Any) -> Any:
    """Return decoded JSON as `kind`. Raises InvalidRequest naming the member."""
    try:
        return msgspec.convert(whole_numbers(raw), kind, dec_hook=decode_moment)
    except msgspec.ValidationError as error:
        found = fault(error, kind)
        named = {"parameter": found.member} if found.member else {}
        raise InvalidRequest(found.sentence, **named, **found.details) from error
