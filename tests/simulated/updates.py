"""Update expressions: every operand is read from the old item, then the actions are applied to a copy."""

from __future__ import annotations

from typing import Any

from .errors import Invalid
from .expressions import Binding, Parts, check_overlaps, fetch
from .parser import Node
from .update_grammar import parse_update
from .values import Item, Value, add_numbers

_INVALID_PATH = "The document path provided in the update expression is invalid for update"
_MISSING = "The provided expression refers to an attribute that does not exist in the item"
_WRONG_TYPE = "An operand in the update expression has an incorrect data type"


class Update:
    """An update bound to a request: `update.apply(item)` gives the new item; the old one stays unchanged."""

    __slots__ = ("actions", "binding", "key_names")

    def __init__(self, text: str, binding: Binding, key_names: tuple[str, ...]) -> None:
        parsed = parse_update(text)
        binding.use(parsed)
        self.binding = binding
        self.actions: list[tuple[str, Parts, Node]] = [
            (clause, binding.resolve(parts), operand) for clause, parts, operand in parsed.tree
        ]
        check_overlaps([parts for _, parts, _ in self.actions], "UpdateExpression")
        self.key_names = key_names
        self._check()

    def _check(self) -> None:
        for clause, _, operand in self.actions:
            if clause in ("ADD", "DELETE"):
                tag = next(iter(self.binding.values[operand[1]]))
                allowed = ("SS", "NS", "BS") if clause == "DELETE" else ("N", "SS", "NS", "BS")
                if tag not in allowed:
                    raise _bad_type(clause, tag)
            elif clause == "SET":
                self._check_operand(operand)

    def _check_operand(self, node: Node) -> None:
        kind = node[0]
        if kind in ("plus", "minus", "list_append"):
            required = "L" if kind == "list_append" else "N"
            name = {"plus": "+", "minus": "-"}.get(kind, "list_append")
            for part in node[1:]:
                if part[0] == "value" and required not in self.binding.values[part[1]]:
                    raise _bad_type(name, next(iter(self.binding.values[part[1]])))
                self._check_operand(part)
        elif kind == "if_not_exists":
            self._check_operand(node[2])

    @property
    def names(self) -> list[str]:
        """Return the top-level attributes that it touches."""
        return [str(parts[0]) for _, parts, _ in self.actions]

    def apply(self, item: Item) -> Item:
        """Return the updated item; Invalid if a path or an operand does not fit the item."""
        for _, parts, _ in self.actions:
            if parts[0] in self.key_names:
                raise Invalid(
                    "One or more parameter values were invalid: Cannot update attribute "
                    f"{parts[0]}. This attribute is part of the key"
                )
        planned = [(c, p, self._evaluate(o, item) if o else None) for c, p, o in self.actions]
        fresh = dict(item)
        copied: set[int] = {id(fresh)}
        removals = [parts for clause, parts, _ in planned if clause == "REMOVE"]
        for clause, parts, value in planned:
            if clause == "SET":
                _set(fresh, parts, value, copied)
            elif clause == "ADD":
                _add(item, fresh, parts, value, copied)
            elif clause == "DELETE":
                _delete(item, fresh, parts, value, copied)
        # The highest list index first, so that the others still mean what they meant.
        for parts in sorted(removals, key=lambda p: [(isinstance(x, int), x) for x in p], reverse=True):
            _remove(fresh, parts, copied)
        return fresh

    def _evaluate(self, node: Node, item: Item) -> Value:
        kind = node[0]
        if kind == "value":
            return self.binding.values[node[1]]
        if kind == "path":
            found = fetch(item, self.binding.resolve(node[1]))
            if found is None:
                raise Invalid(_MISSING)
            return found
        if kind == "if_not_exists":
            found = fetch(item, self.binding.resolve(node[1][1]))
            return found if found is not None else self._evaluate(node[2], item)
        left, right = self._evaluate(node[1], item), self._evaluate(node[2], item)
        if kind == "list_append":
            if "L" not in left or "L" not in right:
                raise Invalid(_WRONG_TYPE)
            return {"L": left["L"] + right["L"]}
        if "N" not in left or "N" not in right:
            raise Invalid(_WRONG_TYPE)
        return {"N": add_numbers(left["N"], right["N"], 1 if kind == "plus" else -1)}


def _bad_type(name: str, tag: str) -> Invalid:
    return Invalid(
        "Invalid UpdateExpression: Incorrect operand type for operator or function; "
        f"operator: {name}, operand type: {tag}"
    )


def _parent(item: Item, parts: Parts, copied: set[int]) -> Any:
    """Return the dict or list that holds the last part, copied on the way down."""
    holder: Any = item
    for part in parts[:-1]:
        value = _child(holder, part)
        if value is None:
            raise Invalid(_INVALID_PATH)
        tag = "M" if "M" in value else "L" if "L" in value else ""
        if not tag:
            raise Invalid(_INVALID_PATH)
        inner = value[tag]
        if id(inner) not in copied:
            inner = dict(inner) if tag == "M" else list(inner)
            copied.add(id(inner))
            holder[part] = {tag: inner}
        holder = inner
    if isinstance(holder, list) != isinstance(parts[-1], int):
        raise Invalid(_INVALID_PATH)
    return holder


def _child(holder: Any, part: str | int) -> Value | None:
    if isinstance(holder, list):
        return holder[part] if isinstance(part, int) and part < len(holder) else None
    return holder.get(part) if isinstance(part, str) else None


def _set(item: Item, parts: Parts, value: Value | None, copied: set[int]) -> None:
    holder, last = _parent(item, parts, copied), parts[-1]
    if isinstance(holder, list) and isinstance(last, int) and last >= len(holder):
        holder.append(value)
    else:
        holder[last] = value


def _remove(item: Item, parts: Parts, copied: set[int]) -> None:
    try:
        holder = _parent(item, parts, copied)
    except Invalid:
        if len(parts) == 1:
            raise
        raise Invalid(_INVALID_PATH) from None
    last = parts[-1]
    if isinstance(holder, list):
        if isinstance(last, int) and last < len(holder):
            del holder[last]
    else:
        holder.pop(last, None)


def _add(old: Item, item: Item, parts: Parts, value: Value | None, copied: set[int]) -> None:
    assert value is not None
    current = fetch(old, parts)
    ((tag, content),) = value.items()
    if current is None:
        _set(item, parts, value, copied)
    elif tag not in current:
        raise Invalid(_WRONG_TYPE)
    elif tag == "N":
        _set(item, parts, {"N": add_numbers(current["N"], content)}, copied)
    else:
        present = set(current[tag])
        _set(item, parts, {tag: current[tag] + [e for e in content if e not in present]}, copied)


def _delete(old: Item, item: Item, parts: Parts, value: Value | None, copied: set[int]) -> None:
    assert value is not None
    current = fetch(old, parts)
    ((tag, content),) = value.items()
    if current is None:
        if len(parts) > 1:
            _parent(item, parts, copied)
        return
    if tag not in current:
        raise Invalid(_WRONG_TYPE)
    gone = set(content)
    left = [element for element in current[tag] if element not in gone]
    if left:
        _set(item, parts, {tag: left}, copied)
    else:
        _remove(item, parts, copied)
