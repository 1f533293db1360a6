"""The reference of the ruleset file, from the types that check it."""

from __future__ import annotations

import inspect
from typing import Any, get_args

import msgspec

from chalicelib.domain.core.settings import RulesetSettings
from chalicelib.domain.rules import criteria, schema
from infra.reference.markdown import Json, code, kind, page, table
from infra.reference.ruleset_texts import MEANINGS, TABLES

ABOUT = (
    "A ruleset is one TOML file: what pays what, levels, titles, streaks, badges, boards and limits. The shipped one "
    "is [`default.toml`](../../chalicelib/rulesets/default.toml). `laurel ruleset check FILE` validates a copy; an "
    "error names file, key and reason. See [rulesets](../guides/operating.md#rulesets) for how to deploy one."
)


def ruleset() -> str:
    """Return the page. Raises KeyError for a key without a text."""
    limits = [
        ("actions", schema.MAX_ACTIONS),
        ("badges", schema.MAX_BADGES),
        ("badges for being the first", schema.MAX_FIRST_BADGES),
        ("assets", schema.MAX_ASSETS),
        ("levels", schema.MAX_LEVELS),
        ("ranks that pay rewards, on each board", schema.MAX_REWARDED_RANK),
    ]
    parts = [
        table(("at most", ""), [(f"{number:,}", name) for name, number in limits]),
        *(_table(title, about, getattr(_home(name), name)) for name, (title, about) in TABLES.items()),
        "## Criteria of badges",
        "`criterion` is a table whose `type` selects one of these. Criteria of type `all` and `any` hold others.",
        *(_criterion(each) for each in get_args(criteria.Criterion)),
        "## Statistics",
        f"Numeric: {_codes(schema.NUMERIC_STATS)}. Numbers of distinct names, at most {criteria.UNIQUE_CAP} each: "
        f"{_codes(schema.UNIQUE_STATS)}. Derived: {_codes(schema.DERIVED_STATS)}.",
    ]
    return page("Rulesets", ABOUT, parts)


def _home(name: str) -> Any:
    return schema if hasattr(schema, name) else inspect.getmodule(RulesetSettings)


def _table(title: str, about: str, type_: type[msgspec.Struct]) -> str:
    return f"## {title}\n\n{about}\n\n{_keys(type_, type_.__name__)}"


def _criterion(type_: type[msgspec.Struct]) -> str:
    about = (type_.__doc__ or "").partition("\n")[0]
    return f"### {type_.__struct_config__.tag}\n\n{about}\n\n{_keys(type_, 'Criterion')}"


def _keys(type_: type[msgspec.Struct], name: str) -> str:
    document: Json = msgspec.json.schema(type_, ref_template="#/components/schemas/{name}")
    found = document["$defs"][type_.__name__]
    rows = [
        (code(key), _kind(each), _default(key, each, found), MEANINGS[f"{name}.{key}"])
        for key, each in found["properties"].items()
        if key != "type"
    ]
    return table(("key", "type", "default", "meaning"), rows)


def _kind(found: Json) -> str:
    """Return a type in words; tables that have a chapter are linked to it."""
    words = kind(found).removesuffix(" or null")
    for name, (title, _) in TABLES.items():
        words = words.replace(f"[{name}](#{name.lower()})", f"[{title}](#{title.lower().replace(' ', '-')})")
    kinds = [each.__name__ for each in get_args(criteria.Criterion)]
    links = " or ".join(f"[{name}](#{name.lower()})" for name in kinds)
    return words.replace(links, "[criterion](#criteria-of-badges)")


def _default(key: str, found: Json, whole: Json) -> str:
    if key in whole.get("required", ()):
        return "required"
    default = found.get("default")
    return "" if default is None or isinstance(default, list | dict) else code(msgspec.json.encode(default).decode())


def _codes(names: Any) -> str:
    return ", ".join(code(name) for name in names)
