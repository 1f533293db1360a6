"""Bound expressions: placeholders resolved and checked, conditions tested, projections taken."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from .errors import Invalid
from .parser import Node, Parsed, parse_condition, parse_projection
from .values import TYPES, Item, Value, check, equal, ordered

Test = Callable[[Item, "Binding"], bool]
Operand = Callable[[Item, "Binding"], "Value | None"]
Parts = tuple[str | int, ...]
_ORDERED_TYPES = ("S", "N", "B")


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
        """Notes what an expression uses; Invalid if something of it is not defined."""
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
        """Everything that was defined must have been used."""
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
    """The value at a resolved path, or None."""
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


class Condition:
    """A condition or filter bound to a request: `condition.test(item)`."""

    __slots__ = ("binding", "run", "tree")

    def __init__(self, text: str, what: str, binding: Binding) -> None:
        parsed = parse_condition(text, what)
        binding.use(parsed)
        if parsed.compiled is None:
            checks: list[Callable[[Binding], None]] = []
            parsed.compiled = (_compile(parsed.tree, what, checks), checks)
        self.run, checks = parsed.compiled
        self.binding, self.tree = binding, parsed.tree
        for literal_check in checks:
            literal_check(binding)

    def test(self, item: Item | None) -> bool:
        return bool(self.run(item or {}, self.binding))

    @property
    def paths(self) -> list[Parts]:
        """The resolved paths that it reads."""
        return [self.binding.resolve(parts) for parts in _paths(self.tree)]


def _paths(node: Any) -> Iterator[Parts]:
    if isinstance(node, tuple) and node:
        if node[0] == "path":
            yield node[1]
        else:
            for part in node[1:] if isinstance(node[0], str) else node:
                yield from _paths(part)


def _operand(node: Node) -> Operand:
    kind = node[0]
    if kind == "value":
        name = node[1]
        return lambda item, binding: binding.values[name]
    if kind == "size":
        path = _operand(node[1])
        return lambda item, binding: _size(path(item, binding))
    parts = node[1]
    if len(parts) == 1:
        first = parts[0]
        if first[0] == "#":
            return lambda item, binding: item.get(binding.names[first])
        return lambda item, binding: item.get(first)
    return lambda item, binding: fetch(item, binding.resolve(parts))


def _size(value: Value | None) -> Value | None:
    if value is None:
        return None
    ((tag, content),) = value.items()
    if tag == "B":
        return {"N": str(len(ordered(value)))}
    if tag == "S":
        return {"N": str(len(content.encode("utf-16-le")) // 2)}  # UTF-16 units, not bytes
    return {"N": str(len(content))} if tag in ("SS", "NS", "BS", "L", "M") else None


def _compile(node: Node, what: str, checks: list[Callable[[Binding], None]]) -> Test:
    kind = node[0]
    if kind == "and":
        left, right = _compile(node[1], what, checks), _compile(node[2], what, checks)
        return lambda item, binding: left(item, binding) and right(item, binding)
    if kind == "or":
        left, right = _compile(node[1], what, checks), _compile(node[2], what, checks)
        return lambda item, binding: left(item, binding) or right(item, binding)
    if kind == "not":
        inner = _compile(node[1], what, checks)
        return lambda item, binding: not inner(item, binding)
    if kind == "compare":
        return _compile_compare(node, what, checks)
    if kind == "between":
        value, low, high = (_operand(part) for part in node[1:])
        _distinct(node[1], node[2:], what, "BETWEEN", checks)
        _check_types(node[1:], what, "BETWEEN", checks)
        checks.append(lambda binding: _check_bounds(binding, node[2], node[3], what))
        return lambda item, binding: (
            _less(low(item, binding), value(item, binding), True)
            and _less(value(item, binding), high(item, binding), True)
        )
    if kind == "in":
        _distinct(node[1], node[2], what, "IN", checks)
        value, options = _operand(node[1]), [_operand(option) for option in node[2]]
        return lambda item, binding: _any_equal(value(item, binding), [o(item, binding) for o in options])
    return _compile_call(node, what, checks)


def _distinct(
    first: Node, others: tuple[Node, ...], what: str, name: str, checks: list[Callable[[Binding], None]]
) -> None:
    paths = [other[1] for other in others if other[0] == "path"]
    if first[0] != "path" or not paths:
        return

    def check_distinct(binding: Binding) -> None:
        resolved = binding.resolve(first[1])
        if any(binding.resolve(path) == resolved for path in paths):
            raise Invalid(
                f"Invalid {what}: The first operand must be distinct from the remaining operands for this "
                f"operator or function; operator: {name}, first operand: {_shown(resolved)}"
            )

    checks.append(check_distinct)


def _compile_compare(node: Node, what: str, checks: list[Callable[[Binding], None]]) -> Test:
    _, sign, left_node, right_node = node
    _distinct(left_node, (right_node,), what, sign, checks)
    left, right = _operand(left_node), _operand(right_node)
    if sign == "=":
        return lambda item, binding: _any_equal(left(item, binding), (right(item, binding),))
    if sign == "<>":
        return lambda item, binding: not _any_equal(left(item, binding), (right(item, binding),))
    _check_types((left_node, right_node), what, sign, checks)
    if sign[0] == ">":
        left, right = right, left
    or_equal = len(sign) == 2
    return lambda item, binding: _less(left(item, binding), right(item, binding), or_equal)


def _any_equal(value: Value | None, options: Any) -> bool:
    return value is not None and any(option is not None and equal(value, option) for option in options)


def _less(left: Value | None, right: Value | None, or_equal: bool) -> bool:
    if left is None or right is None:
        return False
    tag = next(iter(left))
    if tag not in _ORDERED_TYPES or tag not in right:
        return False
    a, b = ordered(left), ordered(right)
    return bool(a < b or (or_equal and a == b))


def _check_types(nodes: tuple[Node, ...], what: str, name: str, checks: list[Callable[[Binding], None]]) -> None:
    literals = [node[1] for node in nodes if node[0] == "value"]

    def literal_types(binding: Binding) -> None:
        for literal in literals:
            tag = next(iter(binding.values[literal]))
            if tag not in _ORDERED_TYPES:
                raise _bad_type(what, name, tag)

    if literals:
        checks.append(literal_types)


def _bad_type(what: str, name: str, tag: str) -> Invalid:
    return Invalid(
        f"Invalid {what}: Incorrect operand type for operator or function; operator or function: {name}, "
        f"operand type: {tag}"
    )


def _check_bounds(binding: Binding, low: Node, high: Node, what: str) -> None:
    if low[0] != "value" or high[0] != "value":
        return
    first, second = binding.values[low[1]], binding.values[high[1]]
    if next(iter(first)) != next(iter(second)):
        raise Invalid(
            f"Invalid {what}: The BETWEEN operator requires same data type for lower and upper bounds; "
            f"lower bound operand: AttributeValue: {first}, upper bound operand: AttributeValue: {second}"
        )
    if not _less(first, second, True):
        raise Invalid(
            f"Invalid {what}: The BETWEEN operator requires upper bound to be greater than or equal to lower "
            f"bound; lower bound operand: AttributeValue: {first}, upper bound operand: AttributeValue: {second}"
        )


def _compile_call(node: Node, what: str, checks: list[Callable[[Binding], None]]) -> Test:
    _, name, args = node
    first = _operand(args[0])
    if name == "attribute_exists":
        return lambda item, binding: first(item, binding) is not None
    if name == "attribute_not_exists":
        return lambda item, binding: first(item, binding) is None
    _distinct(args[0], args[1:], what, name, checks)
    second = _operand(args[1])
    if name == "attribute_type":
        checks.append(lambda binding: _check_type_name(binding, args[1], what))
        return lambda item, binding: _has_type(first(item, binding), second(item, binding))
    if name == "begins_with":
        checks.append(lambda binding: _check_prefix(binding, args, what))
        return lambda item, binding: _begins_with(first(item, binding), second(item, binding))
    return lambda item, binding: _contains(first(item, binding), second(item, binding))


def _check_type_name(binding: Binding, node: Node, what: str) -> None:
    if node[0] != "value":
        raise _bad_type(what, "attribute_type", "path")
    value = binding.values[node[1]]
    if "S" not in value:
        raise _bad_type(what, "attribute_type", next(iter(value)))
    if value["S"] not in TYPES:
        raise Invalid(f"Invalid {what}: Invalid attribute type name found; type: {value['S']}, valid types: ...")


def _check_prefix(binding: Binding, args: tuple[Node, ...], what: str) -> None:
    for node in args:
        if node[0] == "size":
            raise _bad_type(what, "begins_with", "N")
        if node[0] == "value" and (tag := next(iter(binding.values[node[1]]))) not in ("S", "B"):
            raise _bad_type(what, "begins_with", tag)


def _has_type(value: Value | None, wanted: Value | None) -> bool:
    return value is not None and wanted is not None and wanted["S"] in value


def _begins_with(value: Value | None, prefix: Value | None) -> bool:
    if value is None or prefix is None:
        return False
    tag = next(iter(value))
    return tag in ("S", "B") and tag in prefix and bool(ordered(value).startswith(ordered(prefix)))


def _contains(value: Value | None, wanted: Value | None) -> bool:
    if value is None or wanted is None:
        return False
    ((tag, content),) = value.items()
    if tag in ("S", "B"):
        return tag in wanted and ordered(wanted) in ordered(value)
    if tag in ("SS", "NS", "BS"):
        return tag[0] in wanted and wanted[tag[0]] in content
    return tag == "L" and _any_equal(wanted, content)


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
            return {p[0]: item[p[0]] for p in self.paths if p[0] in item}  # type: ignore[index,misc]
        tree: dict[str | int, Any] = {}
        for parts in self.paths:
            level = tree
            for part in parts[:-1]:
                level = level.setdefault(part, {})
            level[parts[-1]] = None
        return _cut({"M": item}, tree).get("M", {})


def _cut(value: Value, tree: dict[str | int, Any] | None) -> Value:
    """The part of a value that a tree of wanted parts selects; {} if nothing of it is there."""
    if tree is None:
        return value
    if "M" in value:
        cut = {k: c for k, sub in tree.items() if k in value["M"] and (c := _cut(value["M"][k], sub))}
        return {"M": cut} if cut else {}
    if "L" in value:
        wanted = sorted(index for index in tree if isinstance(index, int) and index < len(value["L"]))
        parts = [c for index in wanted if (c := _cut(value["L"][index], tree[index]))]
        return {"L": parts} if parts else {}
    return {}


def check_overlaps(paths: list[Parts], what: str) -> None:
    """Two paths may neither contain each other nor disagree on whether a part is a map or a list."""
    if len(paths) > 1 and len({path[0] for path in paths}) == len(paths):
        return
    for index, one in enumerate(paths):
        for other in paths[index + 1 :]:
            shared = min(len(one), len(other))
            if one[:shared] == other[:shared]:
                raise Invalid(
                    f"Invalid {what}: Two document paths overlap with each other; must remove or rewrite one of "
                    f"these paths; path one: {_shown(one)}, path two: {_shown(other)}"
                )
            at = next(i for i in range(shared) if one[i] != other[i])
            if isinstance(one[at], int) != isinstance(other[at], int):
                raise Invalid(
                    f"Invalid {what}: Two document paths conflict with each other; must remove or rewrite one of "
                    f"these paths; path one: {_shown(one)}, path two: {_shown(other)}"
                )


def _shown(parts: Parts) -> str:
    return "[" + ", ".join(f"[{p}]" if isinstance(p, int) else p for p in parts) + "]"
