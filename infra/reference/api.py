"""The reference of the HTTP API, from its OpenAPI document."""

from __future__ import annotations

import json
from typing import Any

from infra.openapi.document import document
from infra.openapi.examples import texts
from infra.reference.markdown import Json, block, code, kind, members, page, table

ABOUT = (
    "Every operation, generated from the OpenAPI document. A running Laurel serves the same document at "
    "`$LAUREL_API_URL/openapi.json` and as a page at `$LAUREL_API_URL/docs`. Send the key as `X-API-Key: <key>` or "
    "`Authorization: Bearer <key>`."
)


def api() -> str:
    """Return the page."""
    found = document()
    operations = [
        (path, method.upper(), each) for path, methods in found["paths"].items() for method, each in methods.items()
    ]
    parts = [str(found["info"].get("description", "")), _overview(operations)]
    for tag in found["tags"]:
        chosen = [each for each in operations if tag["name"] in each[2]["tags"]]
        parts += [f"## {tag['name'].capitalize()}", *(_operation(found, *each) for each in chosen)]
    parts += ["## Statuses", _statuses(found), "## Schemas"]
    parts += [_schema(name, schema) for name, schema in sorted(found["components"]["schemas"].items())]
    return page("HTTP API", ABOUT, parts)


def _overview(operations: list[tuple[str, str, Json]]) -> str:
    rows = [
        (f"[{method} `{path}`](#{each['operationId']})", each["summary"], _access(each))
        for path, method, each in operations
    ]
    return table(("operation", "", "key"), rows)


def _access(operation: Json) -> str:
    security = operation.get("security", [])
    if not security:
        return "none"
    return "optional" if {} in security else "required"


def _operation(found: Json, path: str, method: str, operation: Json) -> str:
    parts = [f"### {operation['operationId']}", f"{code(f'{method} {path}')}: {operation['summary']}."]
    if text := operation.get("description"):
        parts.append(text)
    if parameters := operation.get("parameters"):
        rows = [
            (code(each["name"]), each["in"], kind(each["schema"]), _default(each), str(each.get("description", "")))
            for each in parameters
        ]
        parts.append(table(("parameter", "in", "type", "default", ""), rows))
    if body := operation.get("requestBody"):
        parts.append(f"Body: {_content(body['content'])}" + ("." if body.get("required") else ", optional."))
        parts += _examples(body["content"])
    parts.append(_responses(found, operation["responses"]))
    parts += [text for each in operation["responses"].values() for text in _examples(each.get("content", {}))]
    return "\n\n".join(parts)


def _examples(content: Json) -> list[str]:
    """Return the examples of a body or an answer."""
    return [block("", each) for media in content.values() for each in texts(media, indent=1)]


def _default(parameter: Json) -> str:
    if parameter.get("required"):
        return "required"
    default = parameter["schema"].get("default")
    return "" if default is None else code(default)


def _responses(found: Json, responses: Json) -> str:
    good = [f"{status} {_content(each['content'])}" for status, each in responses.items() if "content" in each]
    bad = [status for status, each in responses.items() if "content" not in each]
    return f"Responses: {', '.join(good)}; {', '.join(bad)}."


def _content(content: Json) -> str:
    return " or ".join(
        kind(each["schema"]) if media == "application/json" else f"{code(media)}" for media, each in content.items()
    )


def _statuses(found: Json) -> str:
    responses: dict[str, Any] = found["components"]["responses"]
    meanings = table(("status", "meaning"), [(status, each["description"]) for status, each in responses.items()])
    errors = [each["content"]["application/json"]["example"] for each in responses.values()]
    return "\n\n".join([meanings, block("", "\n".join(json.dumps(each, ensure_ascii=False) for each in errors))])


def _schema(name: str, schema: Json) -> str:
    parts = [f"### {name}"]
    if text := schema.get("description"):
        parts.append(text)
    if "anyOf" in schema and "properties" not in schema:
        parts.append(f"{kind(schema)}.")
    if rows := members(schema):
        parts.append(table(("member", "type", "default", ""), rows))
    return "\n\n".join(parts)
