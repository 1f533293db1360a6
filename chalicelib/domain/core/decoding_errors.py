"""Turn msgspec's decoding errors into sentences that name the member and say what it may be."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import msgspec

from chalicelib.domain.core.moments import EXAMPLE
from chalicelib.domain.core.sentences import one_of, suggestion, unknown

Schema = dict[str, Any]
# About sixty types are checked.
MAX_KINDS = 256
# msgspec's messages read `<reason> - at `$.a.b[0]``; at the top level the path is missing.
_PATH = re.compile(r"\.?([^.\[\]]+)|\[([^\]]*)\]")
_MEMBER = re.compile(r"Object (missing required|contains unknown) field `(.*)`", re.DOTALL)
# A message of one of our own decoders, such as "must have an offset".
_CHECK = re.compile(r"must ")
_CHOICE = re.compile(r"Invalid enum value '?(.*?)'?", re.DOTALL)
# The shape of the patterns in use: one class of characters with a minimum and a maximum length.
_CLASS = re.compile(r"\^\[(?P<of>[^\]]+)\]\{(?P<low>\d+),(?P<high>\d+)\}\\Z")
_RANGE = re.compile(r".-.|.")
_VISIBLE_ASCII = "!-~"


@dataclass(frozen=True, slots=True)
class Fault:
    """A decoding error for a client.

    `member`: its path, such as `properties.points`, or '' for the whole value. `details`: the allowed range, for
    machines.
    """

    member: str
    sentence: str
    details: dict[str, Any] = field(default_factory=dict)


def fault(error: msgspec.ValidationError, kind: Any, *, within: str = "", whole: str = "The body") -> Fault:
    """Return the fault that msgspec found when it converted a value to `kind`.

    `within`: the member that holds the value. `whole`: the subject of a sentence about the value itself.
    """
    reason, _, place = str(error).rpartition(" - at `$")
    path = _path(place.rstrip("`")) if reason else []
    about = _MEMBER.fullmatch(reason or str(error))
    if about:
        known = _members(kind, path)
        path.append(about[2])
        member = _named(within, path)
        if about[1] == "missing required":
            return Fault(member, f"'{member}' is missing.")
        return Fault(member, unknown("member", member, known, about[2]))
    if _CHECK.match(reason or str(error)):
        member = _named(within, path)
        return Fault(member, f"'{member}' {reason or error}.")
    found = _schema(kind, path)
    required, details = range_of(found) if found else ("of another type", {})
    member = _named(within, path)
    choice = _CHOICE.fullmatch(reason or str(error))
    end = suggestion(choice[1], [str(each) for each in details.get("allowed", ())]) if choice else "."
    subject = f"'{member}'" if member else whole
    return Fault(member, f"{subject} must be {required}{end}", details)


def range_of(schema: Schema) -> tuple[str, dict[str, Any]]:
    """Return (what a value must be, the same as details) for a JSON schema."""
    choices = [each for each in schema.get("anyOf", []) if each != {"type": "null"}]
    if len(choices) == 1:
        return range_of(choices[0])
    if choices:
        return " or ".join(range_of(each)[0] for each in choices), {}
    if "enum" in schema:
        return one_of([str(each) for each in schema["enum"]]), {"allowed": schema["enum"]}
    kind = schema.get("type")
    if kind == "integer":
        return _integer(schema)
    if kind == "boolean":
        return "true or false", {"allowed": [True, False]}
    if kind == "string":
        return _text(schema)
    return ("an array" if kind == "array" else "an object"), {}


def members_of(kind: Any) -> dict[str, Schema]:
    """Return the members of a Struct: name -> JSON schema."""
    found: dict[str, Schema] = _components(kind)[kind.__name__]["properties"]
    return found


def _integer(schema: Schema) -> tuple[str, dict[str, Any]]:
    details: dict[str, Any] = {name: schema[name] for name in ("minimum", "maximum") if name in schema}
    if len(details) == 2:
        return f"an integer from {schema['minimum']} to {schema['maximum']}", details
    return "an integer", details


def _text(schema: Schema) -> tuple[str, dict[str, Any]]:
    if schema.get("format") == "date-time":
        return f"a time such as {EXAMPLE}", {}
    found = _CLASS.match(schema.get("pattern", ""))
    if found:
        return _characters(found["of"], found["low"], found["high"]), {}
    details: dict[str, Any] = {name: schema[name] for name in ("minLength", "maxLength") if name in schema}
    if len(details) == 2:
        return f"a string of {schema['minLength']} to {schema['maxLength']} characters", details
    return (f"a string of at most {schema['maxLength']} characters" if details else "a string"), details


def _characters(of: str, low: str, high: str) -> str:
    if of == _VISIBLE_ASCII:
        return f"{low}-{high} visible ASCII characters, without spaces"
    return f"{low}-{high} characters of {' '.join(_RANGE.findall(of))}"


def _path(place: str) -> list[str]:
    return [name or f"[{index}]" for name, index in _PATH.findall(place)]


def _named(within: str, path: list[str]) -> str:
    return ".".join([*([within] if within else []), *path]).replace(".[", "[")


def _schema(kind: Any, path: list[str]) -> Schema | None:
    """Return the schema at a path within `kind`; None if the path leads into a value without a schema."""
    components = _components(kind)
    schema: Schema | None = components.get(getattr(kind, "__name__", ""), {"type": "object"})
    for step in path:
        if schema is None:
            return None
        schema = _deref(schema, components)
        schema = schema.get("items") if step.startswith("[") else schema.get("properties", {}).get(step)
    return schema


def _members(kind: Any, path: list[str]) -> list[str]:
    components = _components(kind)
    return list(_deref(_schema(kind, path) or {}, components).get("properties", {}))


def _deref(schema: Schema, components: dict[str, Schema]) -> Schema:
    for each in (schema, *schema.get("anyOf", [])):
        if "$ref" in each:
            return components[each["$ref"].rpartition("/")[2]]
    return schema


@lru_cache(MAX_KINDS)
def _components(kind: Any) -> dict[str, Schema]:
    """Return the JSON schemas of a type. Cached: a flood of invalid messages meets the same few types."""
    return msgspec.json.schema_components([kind])[1]
