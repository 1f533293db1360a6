"""The OpenAPI 3.1 document, made of the types that check requests and encode answers."""

from __future__ import annotations

from typing import Any

import msgspec

from chalicelib.api.http import REPLAYED
from chalicelib.api.operation import JSON, TAGS, Auth, Operation
from chalicelib.api.registry import OPERATIONS
from chalicelib.api.request import MAX_BODY_BYTES
from chalicelib.api.statuses import STATUSES
from chalicelib.domain.events.event import MAX_EVENTS_PER_MESSAGE
from infra.openapi import examples
from infra.openapi.schemas import REF, Error, make_portable, schemas

Json = dict[str, Any]
API_VERSION = "1"
# Query parameters that an operation cannot do without.
NEEDED = {"RevokeQuery": ("code",)}
ABOUT = (
    "A gateway sends events about its users. Laurel turns them, exactly once, into XP, levels, streaks, "
    "badges, boards and tokens. Errors are `{error, code, ...details}`: a sentence for people and a code for "
    "programs. An unknown query parameter, or one that is given twice, is 400; an empty one counts as absent. "
    "A number without a fraction is an integer, also when written as `250.0`. Reads that need no key also have HEAD. "
    "Any other method is 404, like an unknown path: API Gateway does not send 405. Times and days are UTC. XP, scores, "
    "tokens and money are integers; money is in micro-dollars."
)
MEANINGS = {
    304: "Unchanged since the ETag in If-None-Match.",
    400: (
        "The request is not valid; the error names the part and the allowed values. `invalid_request` (a parameter "
        "or member), `not_json`, `too_deep`, `too_many_events`, `invalid_events`, and the codes of the operation."
    ),
    401: "The API key is missing, wrong or revoked. `unauthenticated`.",
    403: "The key does not have the required permission. `forbidden`.",
    404: "The resource does not exist, or the caller may not see it. `not_found`, or a code of the operation.",
    409: "The request conflicts with the current state. `idempotency_conflict`, and the codes of the operation.",
    410: "The resource has expired or is used up. The codes of the operation.",
    413: f"The body has more than {MAX_BODY_BYTES} bytes.",
    415: "The Content-Type is none of the accepted JSON types; the error lists them.",
    429: "Too many requests. `rate_limited`, or a code of the operation.",
    500: "Internal error.",
    503: (
        "The service is busy, or the outcome is not known yet (`outcome_unknown`): the request may have been done. "
        "Send the same request again, with the same idempotency key if it has one."
    ),
}
# Schemas of the bodies that have several forms.
ONE, MANY = "AnyEvent", "EventsBody"
_GOOD = {201: "Created.", 202: "Queued."}


def document_json() -> str:
    """Return the document as JSON."""
    return msgspec.json.encode(document()).decode()


def document() -> Json:
    """Build the whole document as JSON-ready values."""
    paths: Json = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Laurel", "version": API_VERSION, "description": ABOUT},
        # Relative to the document itself, wherever the API is served.
        "servers": [{"url": "."}],
        "tags": [{"name": tag} for tag in TAGS],
        "paths": paths,
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {
                "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
                "bearer": {"type": "http", "scheme": "bearer", "description": "The API key as a bearer token."},
            },
            "responses": {str(code): _error(code) for code in MEANINGS if code != 304},
        },
    }


def _schemas() -> Json:
    bodies = [kind for operation in OPERATIONS for kind in operation.body_types]
    answers = [operation.answer_type for operation in OPERATIONS if operation.answer]
    found = schemas(bodies, answers)
    # Named, because generators make better types of names than of unions in the place of a body.
    (forms,) = (operation.body_types for operation in OPERATIONS if len(operation.body_types) > 1)
    one = {"$ref": REF.format(name=ONE)}
    many = {"type": "array", "items": one, "minItems": 1, "maxItems": MAX_EVENTS_PER_MESSAGE}
    found[ONE] = {"title": ONE, "description": "An event in any form.", "anyOf": [_ref(form) for form in forms]}
    found[MANY] = {"title": MANY, "description": "One event, or several.", "anyOf": [*found[ONE]["anyOf"], many]}
    return found


def _operation(operation: Operation) -> Json:
    described: Json = {
        "operationId": operation.name,
        "summary": operation.summary,
        "tags": [operation.tag],
        "x-rate-class": operation.rate_class,
        "responses": _responses(operation),
    }
    texts = [operation.description]
    if operation.permission:
        texts.append(f"Needs a key with the permission `{operation.permission}`.")
    described["description"] = " ".join(text for text in texts if text)
    parameters = _path_parameters(operation) + _query_parameters(operation.query_type) + _headers(operation)
    if parameters:
        described["parameters"] = parameters
    if operation.body:
        described["requestBody"] = {
            "required": not operation.optional_body,
            "content": {JSON: {"schema": _body(operation), **examples.of_request(operation.name)}},
        }
    key: list[Json] = [{"apiKey": []}, {"bearer": []}]
    described["security"] = {Auth.KEY: key, Auth.OPTIONAL: [{}, *key], Auth.NONE: []}[operation.auth]
    return described


def _body(operation: Operation) -> Json:
    return {"$ref": REF.format(name=MANY)} if len(operation.body_types) > 1 else _ref(operation.body_types[0])


def _responses(operation: Operation) -> Json:
    good: Json = {"description": _GOOD.get(operation.status) or ("Found." if operation.method == "GET" else "Done.")}
    schema = _ref(operation.answer_type) if operation.answer else {"type": "object", "additionalProperties": True}
    if operation.media != JSON:
        schema = {"type": "string"}
    good["content"] = {operation.media: {"schema": schema, **examples.of_answer(operation.name)}}
    if operation.method == "GET":
        good["headers"] = {
            "Cache-Control": {"description": "How long the response may be cached.", "schema": {"type": "string"}}
        }
    if operation.replays:
        good["headers"] = {
            REPLAYED: {"description": "`true`: a repeated first response.", "schema": {"type": "string"}}
        }
    responses: Json = {str(operation.status): good}
    if operation.method == "GET" and operation.tagged:
        good["headers"]["ETag"] = {"description": "A digest of the body.", "schema": {"type": "string"}}
        responses["304"] = {"description": MEANINGS[304]}
    for code in sorted(_errors(operation)):
        responses[str(code)] = {"$ref": f"#/components/responses/{code}"}
    return responses


def _errors(operation: Operation) -> set[int]:
    # An unknown parameter is refused everywhere.
    codes = {400, 429, 500, *(STATUSES[kind] for kind in operation.refusals)}
    if operation.answer and operation.media == JSON:
        codes.add(503)
    if operation.permission:
        codes |= {401, 403, 404} if operation.method == "GET" else {401, 403}
    if operation.auth is Auth.OPTIONAL:
        codes.add(401)
    if operation.body:
        codes |= {413, 415}
    return codes


def _path_parameters(operation: Operation) -> list[Json]:
    about = {
        "player": "The player's id, or the public id that a board shows.",
        "badge": "The badge's id.",
        "reward": "The reward's id.",
        "redemption": "The redemption's id.",
        "hold": "The hold's id.",
    }
    return [
        {"name": name, "in": "path", "required": True, "description": about[name], "schema": {"type": "string"}}
        for name in operation.path_parameters
    ]


def _query_parameters(kind: Any) -> list[Json]:
    if kind is None:
        return []
    _, components = msgspec.json.schema_components([kind])
    parameters = []
    for name, schema in components[kind.__name__]["properties"].items():
        shape = dict(schema)
        choices = [each for each in shape.pop("anyOf", []) if each != {"type": "null"}]
        shape |= choices[0] if choices else {}
        required = name in NEEDED.get(kind.__name__, ())
        make_portable(shape)
        text = shape.pop("description", "")
        if required:
            shape = {"minLength": 1} | {key: value for key, value in shape.items() if key != "default"}
        parameter = {"name": name, "in": "query", "schema": shape} | ({"description": text} if text else {})
        # An empty value counts as not given.
        parameters.append(parameter | ({"required": True} if required else {"allowEmptyValue": True}))
    return parameters


def _headers(operation: Operation) -> list[Json]:
    return [
        {"name": name, "in": "header", "schema": {"type": "string"}, "description": about}
        for name, about in operation.headers.items()
    ]


def _error(code: int) -> Json:
    content = {JSON: {"schema": _ref(Error), **examples.of_error(code)}}
    described: Json = {"description": MEANINGS[code], "content": content}
    if code in (429, 503):
        described["headers"] = {"Retry-After": {"description": "Seconds.", "schema": {"type": "string"}}}
    return described


def _ref(kind: type) -> Json:
    return {"$ref": REF.format(name=kind.__name__)}
