"""The docs page: the OpenAPI document as plain HTML. One answer, no scripts, nothing from other hosts."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from infra.openapi.document import document
from infra.openapi.examples import texts
from infra.settings import API_STAGE

STYLE = Path(__file__).with_name("docs.css")
Json = dict[str, Any]


def page() -> str:
    """Return the whole page."""
    api = document()
    style = STYLE.read_text("utf-8")
    groups = {tag["name"]: _operations(api, tag["name"]) for tag in api["tags"]}
    menu = "".join(
        f"<li><b>{escape(tag)}</b><ul>"
        + "".join(f'<li><a href="#{_anchor(each)}">{escape(each["summary"])}</a></li>' for each in group)
        + "</ul></li>"
        for tag, group in groups.items()
    )
    sections = "".join(
        f'<section><h2 id="{escape(tag)}">{escape(tag.capitalize())}</h2>'
        + "".join(_operation(api, each) for each in group)
        + "</section>"
        for tag, group in groups.items()
    )
    info = api["info"]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(info['title'])} API</title><style>{style}</style></head><body>"
        f'<nav id="menu"><h1>{escape(info["title"])} API</h1><ul>{menu}'
        '<li><a href="#types"><b>types</b></a></li></ul></nav>'
        f'<main><p class="to-menu"><b>{escape(info["title"])} API</b> <a href="#menu">All operations</a></p>'
        f'<p class="about">{_text(info["description"])}</p><p>Machine-readable: '
        '<a href="openapi.json">openapi.json</a>.</p>'
        f"{_keys(api)}{sections}{_types(api)}</main></body></html>"
    )


def _operations(api: Json, tag: str) -> list[Json]:
    """Return the operations of a tag, each with its `path` and `method`."""
    return [
        each | {"path": path, "method": method.upper()}
        for path, methods in api["paths"].items()
        for method, each in methods.items()
        if tag in each["tags"]
    ]


def _operation(api: Json, each: Json) -> str:
    head = (
        f'<article id="{_anchor(each)}"><h3><span class="{escape(each["method"])}">{escape(each["method"])}</span> '
        f"<code><small>/{API_STAGE}</small>{escape(each['path'])}</code></h3>"
        f"<p><b>{escape(each['summary'])}.</b> {_text(each['description'])}</p>"
    )
    return head + _parameters(each) + _body(each) + _answers(api, each) + "</article>"


def _parameters(each: Json) -> str:
    rows = [
        (f"<code>{escape(item['name'])}</code>", escape(item["in"]), _shape(item["schema"]), _about(item))
        for item in each.get("parameters", [])
    ]
    return _grid(("parameter", "in", "value", "about"), rows) if rows else ""


def _about(parameter: Json) -> str:
    default = parameter["schema"].get("default")
    usual = f" Default: <code>{escape(str(default))}</code>." if default is not None else ""
    return _text(parameter.get("description", "")) + usual


def _body(each: Json) -> str:
    if "requestBody" not in each:
        return ""
    content = each["requestBody"]["content"]["application/json"]
    return f"<h4>Body</h4><p>{_shape(content['schema'])}</p>{_examples(content)}"


def _answers(api: Json, each: Json) -> str:
    rows = []
    example = ""
    for code, answer in each["responses"].items():
        found = api["components"]["responses"][code] if "$ref" in answer else answer
        media: Json = next(iter(found.get("content", {}).values()), {})
        if code.startswith("2"):
            example = _examples(media)
        shape = _shape(media["schema"]) if media else ""
        rows.append((f"<code>{escape(code)}</code>", _text(found["description"]), shape))
    return f"<h4>Responses</h4>{_grid(('status', 'meaning', 'body'), rows)}{example}"


def _examples(media: Json) -> str:
    """Return the examples of a media type."""
    return "".join(f"<pre>{escape(each)}</pre>" for each in texts(media, indent=2))


def _keys(api: Json) -> str:
    schemes = api["components"]["securitySchemes"]
    name = escape(schemes["apiKey"]["name"])
    return f"<p>Send the key as <code>{name}: KEY</code> or <code>Authorization: Bearer KEY</code>.</p>"


def _types(api: Json) -> str:
    shown = "".join(_type(name, schema) for name, schema in api["components"]["schemas"].items())
    return f'<section><h2 id="types">Types</h2>{shown}</section>'


def _type(name: str, schema: Json) -> str:
    required = schema.get("required", [])
    rows = [
        (
            f"<code>{escape(member)}</code>",
            _shape(shape),
            "yes" if member in required else "",
            _text(shape.get("description", "")),
        )
        for member, shape in schema.get("properties", {}).items()
    ]
    about = _text(schema.get("description", ""))
    if not rows:
        return (
            f'<article id="type-{escape(name)}"><h3>{escape(name)}</h3><p>{about}</p><p>{_shape(schema)}</p></article>'
        )
    grid = _grid(("member", "value", "required", "about"), rows)
    return f'<article id="type-{escape(name)}"><h3>{escape(name)}</h3><p>{about}</p>{grid}</article>'


def _shape(schema: Json) -> str:
    """Describe a schema in a few words."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#type-{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(_shape(each) for each in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(f"<code>{escape(str(each))}</code>" for each in schema["enum"])
    kind = escape(str(schema.get("type", "any")))
    if kind == "array":
        return f"array of {_shape(schema.get('items', {}))}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"object of {_shape(schema['additionalProperties'])}"
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None or high is not None:
        kind += f" {'' if low is None else low}&hellip;{'' if high is None else high}"
    if "maxLength" in schema:
        kind += f", at most {schema['maxLength']} characters"
    if "pattern" in schema:
        kind += f" <code>{escape(schema['pattern'])}</code>"
    return kind


def _grid(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    top = "".join(f'<th scope="col">{escape(head)}</th>' for head in heads)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"


def _text(text: str) -> str:
    """Escaped text with `code` in it."""
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if place % 2 else part for place, part in enumerate(parts))


def _anchor(each: Json) -> str:
    return escape(each["operationId"])
