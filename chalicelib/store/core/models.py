"""The base of all item kinds, their schemas, and the kinds of core.

Kinds are PynamoDB models used as codecs: Laurel reads and writes through `table.Table`, whose one connection serves
every kind. `docs/guides/evolving-items.md` says how to change a kind.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Self, TypeVar

from pynamodb.attributes import (
    NumberAttribute,
    UnicodeAttribute,
)
from pynamodb.models import Model

from chalicelib.store.core.codecs import Json
from chalicelib.store.core.outcomes import LaterSchema

T = TypeVar("T")
Item = dict[str, dict[str, Any]]
# Returns an item of the next or the previous schema. Pure: it leaves its argument unchanged.
Change = Callable[[Item], Item]
# The attribute of an item that names its schema. Items of schema 1 have none.
SCHEMA = "sc"


class Kind(Model):
    """The attributes of every item. `ruleset`: the version of the ruleset that the item was written under.

    `schema`: the number of the form that the attributes describe. `upgrades`: from schema 1 to 2, from 2 to 3, ...
    `downgrade`: to the previous schema, while a rollout is under way: items are then written in that form.
    `in_parts`: some code reads or writes single attributes, so that no upgrade can cover it. The schema stays 1.
    """

    class Meta:
        table_name = "laurel"
        region = "us-east-1"

    schema: ClassVar[int] = 1
    upgrades: ClassVar[tuple[Change, ...]] = ()
    downgrade: ClassVar[Change | None] = None
    in_parts: ClassVar[bool] = False

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)

    def item(self) -> Item:
        """Return the item in the schema that this release writes."""
        item, schema, downgrade = self.serialize(), self.schema, type(self).downgrade
        if downgrade is not None:
            item, schema = downgrade(item), schema - 1
        return item if schema == 1 else {**item, SCHEMA: {"N": str(schema)}}

    @classmethod
    def from_raw_data(cls, data: Item) -> Self:
        """Return the row of an item of this or an earlier schema. Raises LaterSchema."""
        return super().from_raw_data(cls._upgraded(data))

    @classmethod
    def _upgraded(cls, item: Item) -> Item:
        schema = int(item[SCHEMA]["N"]) if SCHEMA in item else 1
        if schema == cls.schema:
            return item
        if schema > cls.schema:
            raise LaterSchema(f"{cls.__name__} has schema {schema}; this release knows {cls.schema}")
        for upgrade in cls.upgrades[schema - 1 :]:
            item = upgrade(item)
        return item


class RequestItem(Kind):
    """The outcome of an idempotency key, and a digest of its request.

    `refused`: the kind of the refusal, if the outcome is one. `free_from` (epoch seconds): the key is free again from
    then on, before the row expires.
    """

    asked = UnicodeAttribute()
    outcome: Json[dict[str, Any]] = Json(dict[str, Any])
    refused = UnicodeAttribute(null=True)
    at = NumberAttribute()
    expires = NumberAttribute()
    free_from = NumberAttribute(null=True)


class OutboxItem(Kind):
    """An outbox row, kept until it is sent: the facts of a commit, from which messages with stable ids are built."""

    kind = UnicodeAttribute()
    facts: Json[dict[str, Any]] = Json(dict[str, Any])
