"""Writes of one item as values: put, update, delete, check. Each builds a DynamoDB request for a named table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from chalicelib.store.core.item_size import item_size
from chalicelib.store.core.keys import Key
from chalicelib.store.core.models import Item

Request = dict[str, Any]
Names = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Put:
    """Write a whole item."""

    kind: ClassVar[str] = "Put"
    item: Item
    condition: str = ""
    names: Names | None = None
    values: Item | None = None

    @property
    def key(self) -> Key:
        return self.item["pk"]["S"], self.item["sk"]["S"]

    @property
    def size(self) -> int:
        return item_size(self.item)

    def request(self, table: str) -> Request:
        return _conditional({"TableName": table, "Item": self.item}, self)


@dataclass(frozen=True, slots=True)
class Update:
    """Change attributes of an item, which may not exist yet."""

    kind: ClassVar[str] = "Update"
    key: Key
    expression: str
    condition: str = ""
    names: Names | None = None
    values: Item | None = None

    @property
    def size(self) -> int:
        """Return the bytes of the key and of the values. The rest of the item is not known here."""
        return _known_size(self)

    def request(self, table: str) -> Request:
        return _conditional({"TableName": table, "Key": key_of(self.key), "UpdateExpression": self.expression}, self)


@dataclass(frozen=True, slots=True)
class _WithoutAttributes:
    """A write that names an item and a condition, and no attribute to write."""

    key: Key
    condition: str = ""
    names: Names | None = None
    values: Item | None = None

    @property
    def size(self) -> int:
        return _known_size(self)

    def request(self, table: str) -> Request:
        return _conditional({"TableName": table, "Key": key_of(self.key)}, self)


@dataclass(frozen=True, slots=True)
class Delete(_WithoutAttributes):
    """Remove an item."""

    kind: ClassVar[str] = "Delete"


@dataclass(frozen=True, slots=True)
class Check(_WithoutAttributes):
    """Write nothing. The transaction fails unless the condition holds."""

    kind: ClassVar[str] = "ConditionCheck"


Write = Put | Update | Delete | Check


def key_of(key: Key) -> Item:
    return {"pk": {"S": key[0]}, "sk": {"S": key[1]}}


def _known_size(write: Update | _WithoutAttributes) -> int:
    return item_size(key_of(write.key) | (write.values or {}))


def _conditional(request: Request, write: Put | Update | _WithoutAttributes) -> Request:
    if write.condition:
        request["ConditionExpression"] = write.condition
    if write.names:
        request["ExpressionAttributeNames"] = dict(write.names)
    if write.values:
        request["ExpressionAttributeValues"] = dict(write.values)
    return request
