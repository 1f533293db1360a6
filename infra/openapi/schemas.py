"""The schemas of the document: those of the types, as every generator of clients can read them."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from msgspec.inspect import StructType, type_info

Json = dict[str, Any]
REF = "#/components/schemas/{name}"
# Members that only Laurel itself may write.
NOT_SENT = {"CloudEvent": ["receivedAt"], "GatewayEvent": ["receivedAt"], "AwardEvent": ["receivedAt"]}
# Bodies that name one thing by either of two members: both at once, if they agree, or only one.
EITHER = {"AwardRequest": ("anyOf", "player", "username"), "RedeemInvite": ("oneOf", "code", "token")}
TYPES = {str: "string", int: "integer"}
_NULL = {"type": "null"}


class Error(msgspec.Struct):
    """Any refusal. Details, such as `parameter`, `minimum` or `events`, follow these two."""

    error: str
    code: str


def schemas(bodies: Iterable[Any], answers: Iterable[Any]) -> Json:
    """Return the schemas of the types of bodies and answers, by name."""
    answers = list({id(kind): kind for kind in answers}.values())
    kinds = [*{id(kind): kind for kind in (*bodies, *answers)}.values(), Error]
    _, found = msgspec.json.schema_components(kinds, ref_template=REF)
    for name, members in NOT_SENT.items():
        for member in members:
            found[name]["properties"].pop(member)
    for name, (how, *members) in EITHER.items():
        found[name][how] = [{"required": [each], "properties": {each: {"type": "string"}}} for each in members]
    for kind in structs(answers):
        _as_sent(kind, found[kind.__name__])
    found["Error"]["additionalProperties"] = True
    for schema in found.values():
        # A docstring's later lines are indented, which Markdown shows as code.
        if "description" in schema:
            schema["description"] = inspect.cleandoc(schema["description"])
        make_portable(schema)
    return found


def portable(pattern: str) -> str:
    r"""Return a pattern that Python's `re` reads, for ECMA-262 and RE2: there `$` is the end, and no `\Z` exists."""
    return pattern.removesuffix(r"\Z") + "$" if pattern.endswith(r"\Z") else pattern


def structs(kinds: Iterable[Any]) -> set[Any]:
    """Return the Structs that types contain."""
    found: set[Any] = set()
    waiting = [type_info(kind) for kind in kinds]
    while waiting:
        info = waiting.pop()
        if isinstance(info, StructType):
            if info.cls in found:
                continue
            found.add(info.cls)
        waiting += _parts(info)
    return found


def _parts(info: Any) -> Iterator[Any]:
    """Return the types of a type's members, items and alternatives."""
    yield from (field.type for field in getattr(info, "fields", ()))
    yield from getattr(info, "types", ())
    for name in ("item_type", "value_type", "type"):
        part = getattr(info, name, None)
        if isinstance(part, msgspec.inspect.Type):
            yield part


def _as_sent(kind: Any, schema: Json) -> None:
    """Describe an answer: a member that equals its default is left out, or always sent; there are no defaults."""
    left_out = kind.__struct_config__.omit_defaults
    required = list(schema.get("required", []))
    for name, member in schema["properties"].items():
        if "default" not in member:
            continue
        default = member.pop("default")
        if not left_out:
            required.append(name)
        elif default is None:
            _without_null(member)
    schema["required"] = [name for name in schema["properties"] if name in required]


def _without_null(member: Json) -> None:
    choices = [each for each in member.pop("anyOf", []) if each != _NULL]
    if len(choices) == 1:
        member |= choices[0]
    elif choices:
        member["anyOf"] = choices


def make_portable(schema: Any) -> None:
    """Rewrite what only Python reads, such as patterns; write the types of enums, which generators need.

    `null` is no default: the member may be absent.
    """
    if isinstance(schema, list):
        for each in schema:
            make_portable(each)
    if isinstance(schema, dict):
        if isinstance(schema.get("pattern"), str):
            schema["pattern"] = portable(schema["pattern"])
        if isinstance(schema.get("enum"), list) and "type" not in schema:
            (kind,) = {type(each) for each in schema["enum"]}
            schema["type"] = TYPES[kind]
        if schema.get("type") == "object" and not {"properties", "additionalProperties"} & schema.keys():
            # Generators take an object without a word about its members for an empty one.
            schema["additionalProperties"] = True
        if schema.get("default", ...) is None:
            del schema["default"]
        for each in schema.values():
            make_portable(each)
