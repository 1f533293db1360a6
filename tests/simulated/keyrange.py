"""The key condition of a Query: one partition and a span of its order."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import Any

from .conditions import Condition
from .errors import Invalid
from .expressions import Binding
from .parser import Node, parse_condition
from .table import Entry, Index, Table
from .values import ordered

_SUFFIX = chr(0x10FFFF)


class KeyRange:
    """The key condition of a Query: one partition and a span of its order."""

    def __init__(self, table: Table, index: Index, request: dict[str, Any], binding: Binding) -> None:
        text = request.get("KeyConditionExpression")
        if text is None:
            raise Invalid(
                "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."
            )
        what = "KeyConditionExpression"
        Condition(text, what, binding)
        self.binding, self.table, self.index = binding, table, index
        self.low: Any = None
        self.high: Any = None
        self.open_low = self.open_high = False
        self.prefix: Any = None
        conditions: dict[str, Node] = {}
        for node in _conjuncts(parse_condition(text, what).tree):
            name = self._name(node)
            if name in conditions:
                raise Invalid("KeyConditionExpressions must only contain one condition per key")
            conditions[name] = node
        hash_node = conditions.pop(index.hash, None)
        if hash_node is None:
            raise Invalid(f"Query condition missed key schema element: {index.hash}")
        if hash_node[0] != "compare" or hash_node[1] != "=":
            raise Invalid("Query key condition not supported")
        self.hash = self._operand(hash_node[3], index.hash)
        if conditions and (index.range is None or set(conditions) != {index.range}):
            required = index.range if index.range and index.range not in conditions else index.hash
            raise Invalid(f"Query condition missed key schema element: {required}")
        if conditions and index.range:
            self._span(conditions[index.range], index.range)

    def _name(self, node: Node) -> str:
        kind = node[0]
        path = node[2] if kind == "compare" else node[1] if kind == "between" else None
        if kind == "call" and node[1] == "begins_with":
            path = node[2][0]
        if path is None or (kind == "compare" and node[1] == "<>"):
            raise Invalid("Invalid operator used in KeyConditionExpression: " + str(node[1] if len(node) > 1 else kind))
        if path[0] != "path" and kind == "compare" and node[3][0] == "path":
            path = node[3]
        if path[0] != "path" or len(path[1]) != 1:
            raise Invalid("Invalid KeyConditionExpression: KeyConditionExpressions cannot have nested operations")
        return str(self.binding.resolve(path[1])[0])

    def _operand(self, node: Node, name: str) -> Any:
        if node[0] != "value":
            raise Invalid("Invalid KeyConditionExpression: operand must be a value")
        value = self.binding.values[node[1]]
        if self.table.types[name] not in value:
            raise Invalid(
                "One or more parameter values were invalid: Condition parameter type does not match schema type"
            )
        found = ordered(value)
        if found in ("", b""):
            raise Invalid(
                "One or more parameter values are not valid. The AttributeValue for a key attribute cannot "
                f"contain an empty string value. Key: {name}"
            )
        return found

    def _span(self, node: Node, name: str) -> None:
        if node[0] == "between":
            self.low, self.high = self._operand(node[2], name), self._operand(node[3], name)
        elif node[0] == "call":
            self.prefix = self.low = self._operand(node[2][1], name)
        else:
            sign, operand = node[1], node[3]
            if node[2][0] == "value":
                sign, operand = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}.get(sign, sign), node[2]
            bound = self._operand(operand, name)
            if sign in ("=", ">", ">="):
                self.low, self.open_low = bound, sign == ">"
            if sign in ("=", "<", "<="):
                self.high, self.open_high = bound, sign == "<"

    def cut(self, entries: list[Entry]) -> tuple[int, int]:
        """Return the first and last + 1 position of the span in a partition."""
        start, end = 0, len(entries)
        if self.low is not None:
            start = (bisect_right if self.open_low else bisect_left)(entries, self.low, key=_range_of)
        if self.high is not None:
            end = (bisect_left if self.open_high else bisect_right)(entries, self.high, key=_range_of)
        elif self.prefix is not None:
            above = self.prefix + (_SUFFIX if isinstance(self.prefix, str) else b"\xff" * 1024)
            end = bisect_right(entries, above, key=_range_of)
        return start, max(start, end)


def _range_of(entry: Entry) -> Any:
    return entry[0]


def _conjuncts(node: Node) -> Iterator[Node]:
    if node[0] == "and":
        yield from _conjuncts(node[1])
        yield from _conjuncts(node[2])
    elif node[0] in ("or", "not", "in"):
        raise Invalid(f"Invalid operator used in KeyConditionExpression: {node[0].upper()}")
    else:
        yield node
