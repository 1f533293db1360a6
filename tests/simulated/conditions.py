"""Conditions and filters: a tree compiled once, then tested against items with the values of a request."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from .errors import Invalid
from .expressions import Binding, Parts, fetch, shown
from .parser import Node, parse_condition
from .values import TYPES, Item, Value, equal, ordered

Test = Callable[[Item, "Binding"], bool]


Operand = Callable[[Item, "Binding"], "Value | None"]


_ORDERED_TYPES = ("S", "N", "B")


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
        """Return the resolved paths that it reads."""
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
                f"operator or function; operator: {name}, first operand: {shown(resolved)}"
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


def _has_type(value: Value | None, operand: Value | None) -> bool:
    return value is not None and operand is not None and operand["S"] in value


def _begins_with(value: Value | None, prefix: Value | None) -> bool:
    if value is None or prefix is None:
        return False
    tag = next(iter(value))
    return tag in ("S", "B") and tag in prefix and bool(ordered(value).startswith(ordered(prefix)))


def _contains(value: Value | None, operand: Value | None) -> bool:
    if value is None or operand is None:
        return False
    ((tag, content),) = value.items()
    if tag in ("S", "B"):
        return tag in operand and ordered(operand) in ordered(value)
    if tag in ("SS", "NS", "BS"):
        return tag[0] in operand and operand[tag[0]] in content
    return tag == "L" and _any_equal(operand, content)
