"""Common parts of expressions: placeholders bound to a request, paths, projections."""

from __future__ import annotations

from typing import Any

from .errors import Invalid
from .parser import Parsed, parse_projection
from .values import Item, Value, check

Parts = tuple[str | int, ...]


class Binding:
    """The names and values of one request. Reads of undefined ones and leftovers are Invalid."""

    __slots__ = ("names", "used_names", "used_values", "values")

    def __init__(self, request: dict[str, Any], with_values: bool = True) -> None:
        names = request.get("ExpressionAttributeNames")
        values = request.get("ExpressionAttributeValues") if with_values else None
        if names is not None and not names:
            raise Invalid("ExpressionAttributeNames must not be empty")
        if values is not None and not values:
            raise Invalid("ExpressionAttributeValues must not be empty")
        self.names: dict[str, str] = names or {}
        self.values: dict[str, Value] = values or {}
        for value in self.values.values():
            check(value)
        self.used_names: set[str] = set()
        self.used_values: set[str] = set()

    def use(self, parsed: Parsed) -> None:
        """Note the names and values that an expression uses; Invalid if one is not defined."""
        for alias in parsed.aliases:
            if alias not in self.names:
                raise Invalid(
                    f"Invalid {parsed.what}: An expression attribute name used in the document path is not "
                    f"defined; attribute name: {alias}"
                )
        for value in parsed.values:
            if value not in self.values:
                raise Invalid(
                    f"Invalid {parsed.what}: An expression attribute value used in expression is not defined; "
                    f"attribute value: {value}"
                )
        self.used_names |= parsed.aliases
        self.used_values |= parsed.values

    def finish(self) -> None:
        """Check that every defined name and value was used."""
        if len(self.used_names) != len(self.names):
            unused = ", ".join(sorted(self.names.keys() - self.used_names))
            raise Invalid(f"Value provided in ExpressionAttributeNames unused in expressions: keys: {{{unused}}}")
        if len(self.used_values) != len(self.values):
            unused = ", ".join(sorted(self.values.keys() - self.used_values))
            raise Invalid(f"Value provided in ExpressionAttributeValues unused in expressions: keys: {{{unused}}}")

    def resolve(self, parts: Parts) -> Parts:
        names = self.names
        return tuple(names[p] if isinstance(p, str) and p[0] == "#" else p for p in parts)


def fetch(item: Item, parts: Parts) -> Value | None:
    """Return the value at a resolved path, or None."""
    value = item.get(parts[0])  # type: ignore[arg-type]
    for part in parts[1:]:
        if value is None:
            return None
        if isinstance(part, int):
            elements = value.get("L")
            value = elements[part] if elements is not None and part < len(elements) else None
        else:
            members = value.get("M")
            value = members.get(part) if members is not None else None
    return value


class Projection:
    """A projection bound to a request: `projection.take(item)` gives the part of it that was asked for."""

    __slots__ = ("paths", "simple")

    def __init__(self, text: str, binding: Binding) -> None:
        parsed = parse_projection(text)
        binding.use(parsed)
        self.paths = [binding.resolve(parts) for parts in parsed.tree]
        self.simple = all(len(parts) == 1 for parts in self.paths)
        check_overlaps(self.paths, "ProjectionExpression")

    def take(self, item: Item) -> Item:
        if self.simple:
            return {p[0]: item[p[0]] for p in self.paths if p[0] in item}
        tree: dict[str | int, Any] = {}
        for parts in self.paths:
            level = tree
            for part in parts[:-1]:
                level = level.setdefault(part, {})
            level[parts[-1]] = None
        cut: Item = _cut({"M": item}, tree).get("M", {})
        return cut


def _cut(value: Value, tree: dict[str | int, Any] | None) -> Value:
    """Return the part of a value that a tree of parts selects; {} if it has none of them."""
    if tree is None:
        return value
    if "M" in value:
        cut = {k: c for k, sub in tree.items() if k in value["M"] and (c := _cut(value["M"][k], sub))}
        return {"M": cut} if cut else {}
    if "L" in value:
        indices = sorted(index for index in tree if isinstance(index, int) and index < len(value["L"]))
        parts = [c for index in indices if (c := _cut(value["L"][index], tree[index]))]
        return {"L": parts} if parts else {}
    return {}


def check_overlaps(paths: list[Parts], what: str) -> None:
    """Check that no path contains another, and that no two disagree on whether a part is a map or a list."""
    if len(paths) > 1 and len({path[0] for path in paths}) == len(paths):
        return
    for index, one in enumerate(paths):
        for other in paths[index + 1 :]:
            shared = min(len(one), len(other))
            if one[:shared] == other[:shared]:
                raise Invalid(
                    f"Invalid {what}: Two document paths overlap with each other; must remove or rewrite one of "
                    f"these paths; path one: {shown(one)}, path two: {shown(other)}"
                )
            at = next(i for i in range(shared) if one[i] != other[i])
            if isinstance(one[at], int) != isinstance(other[at], int):
                raise Invalid(
                    f"Invalid {what}: Two document paths conflict with each other; must remove or rewrite one of "
                    f"these paths; path one: {shown(one)}, path two: {shown(other)}"
                )


def shown(parts: Parts) -> str:
    return "[" + ", ".join(f"[{p}]" if isinstance(p, int) else p for p in parts) + "]"
