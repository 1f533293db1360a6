"""One write, planned: validated before anything happens, then tested against a row and turned into the next row."""

from __future__ import annotations

from typing import Any

from .conditions import Condition
from .errors import Invalid, KeyInvalid
from .expressions import Binding, fetch
from .table import Key, Row, Table
from .updates import Update
from .values import MAX_ITEM_BYTES, Item, check, check_item, size_of

WRITES = ("PutItem", "UpdateItem", "DeleteItem", "ConditionCheck")
_RETURNS = {
    "PutItem": ("NONE", "ALL_OLD"),
    "DeleteItem": ("NONE", "ALL_OLD"),
    "UpdateItem": ("NONE", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"),
    "ConditionCheck": ("NONE",),
}


class Write:
    """A planned write of one item; `kind` is one of WRITES."""

    __slots__ = (
        "condition",
        "flaw",
        "fresh",
        "key",
        "kind",
        "returns",
        "shows_failed",
        "table",
        "update",
        "wire_key",
    )

    def __init__(self, table: Table, kind: str, request: dict[str, Any], lenient: bool = False) -> None:
        self.table, self.kind = table, kind
        self.returns: str = request.get("ReturnValues", "NONE")
        if self.returns not in _RETURNS[kind]:
            raise Invalid(f"ReturnValues can only be one of {', '.join(_RETURNS[kind])}")
        self.shows_failed = request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
        binding = Binding(request)
        self.fresh: Row | None = None
        self.update: Update | None = None
        self.flaw: Invalid | None = None
        self.key: Key
        try:
            self._read_key(request)
        except KeyInvalid as error:
            if not lenient:
                raise
            self.flaw, self.key = error, (id(self), "")
        text = request.get("UpdateExpression")
        if kind == "UpdateItem" and text is not None:
            self.update = Update(text, binding, table.primary.keys)
        text = request.get("ConditionExpression")
        if kind == "ConditionCheck" and text is None:
            raise Invalid("The ConditionExpression is required for a ConditionCheck")
        self.condition = Condition(text, "ConditionExpression", binding) if text is not None else None
        if self.condition is not None:
            table.check_paths(self.condition.paths)
        binding.finish()

    def _read_key(self, request: dict[str, Any]) -> None:
        table = self.table
        if self.kind == "PutItem":
            item: Item = request["Item"]
            self.fresh = (item, check_item(item))
            self.key = table.key_of_item(item)
            table.check_index_keys(item)
            return
        self.wire_key: Item = request["Key"]
        for value in self.wire_key.values():
            check(value)
        self.key = table.key(self.wire_key)

    def holds(self, old: Row | None) -> bool:
        return self.condition is None or self.condition.test(old[0] if old else None)

    def result(self, old: Row | None) -> Row | None:
        """Return the row after the write; the same object if nothing changes. Invalid if an update does not fit."""
        if self.flaw is not None:
            raise self.flaw
        if self.kind == "PutItem":
            return self.fresh
        if self.kind == "DeleteItem":
            return None
        if self.kind == "ConditionCheck":
            return old
        return self._updated(old)

    def _updated(self, old: Row | None) -> Row | None:
        item, size = old if old else (self.wire_key, _size(self.wire_key))
        if self.update is None:
            return old or (dict(item), size)
        self.table.check_paths(parts for _, parts, _ in self.update.actions)
        fresh = self.update.apply(item)
        for name in dict.fromkeys(self.update.names):
            length = len(name.encode())
            size -= length + size_of(item[name]) if name in item else 0
            size += length + size_of(fresh[name]) if name in fresh else 0
        if size > MAX_ITEM_BYTES:
            raise Invalid("Item size to update has exceeded the maximum allowed size")
        self.table.check_index_keys(fresh)
        return fresh, size

    def answer(self, old: Row | None, new: Row | None) -> dict[str, Any]:
        if self.returns == "NONE":
            return {}
        if self.returns == "ALL_OLD":
            return {"Attributes": old[0]} if old else {}
        if self.returns == "ALL_NEW":
            return {"Attributes": new[0]} if new else {}
        row = old if self.returns == "UPDATED_OLD" else new
        if row is None or self.update is None:
            return {}
        parts = self._updated_parts(row[0])
        return {"Attributes": parts} if parts else {}

    def _updated_parts(self, item: Item) -> Item:
        assert self.update is not None
        parts: Item = {}
        for _, path, _ in self.update.actions:
            if fetch(item, path) is not None:
                parts[str(path[0])] = item[str(path[0])]
        return parts


def _size(item: Item) -> int:
    return sum(len(name.encode()) + size_of(value) for name, value in item.items())


def plan(table: Table, kind: str, request: dict[str, Any], lenient: bool = False) -> Write:
    """Return a checked write. `lenient`: a key that does not fit is kept as the write's `flaw`."""
    return Write(table, kind, request, lenient)
