"""The range of a query parameter in words: imported when one was wrong."""

from __future__ import annotations

from typing import Any

import msgspec


def range_of(kind: Any, name: str) -> tuple[str, dict[str, Any]]:
    """(what the parameter must be, the same as details) from its JSON schema."""
    _, components = msgspec.json.schema_components([kind])
    schema = next(iter(components.values()))["properties"].get(name, {})
    if "anyOf" in schema:
        schema = next(each for each in schema["anyOf"] if each != {"type": "null"})
    if "enum" in schema:
        return " or ".join(str(each) for each in schema["enum"]), {"allowed": schema["enum"]}
    if schema.get("type") == "integer":
        low, high = schema["minimum"], schema["maximum"]
        return f"an integer from {low} to {high}", {"minimum": low, "maximum": high}
    if schema.get("type") == "boolean":
        return "true or false", {"allowed": [True, False]}
    return f"at most {schema['maxLength']} characters", {"maxLength": schema["maxLength"]}
