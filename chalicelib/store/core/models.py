"""The base of all item kinds, and the kinds of core.

Kinds are PynamoDB models used as codecs: Laurel reads and writes through `table.Table`, whose one connection serves
every kind.
"""

from __future__ import annotations

from typing import Any, TypeVar

from pynamodb.attributes import (
    NumberAttribute,
    UnicodeAttribute,
)
from pynamodb.models import Model

from chalicelib.store.core.codecs import Json

T = TypeVar("T")
Item = dict[str, dict[str, Any]]


class Kind(Model):
    """The attributes of every item. `ruleset`: the version of the ruleset that the item was written under."""

    class Meta:
        table_name = "laurel"
        region = "us-east-1"

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)

    def item(self) -> Item:
        return self.serialize()


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


class OwedItem(Kind):
    """An outbox row, kept until it is sent: the facts of a commit, from which messages with stable ids are built."""

    kind = UnicodeAttribute()
    facts: Json[dict[str, Any]] = Json(dict[str, Any])
