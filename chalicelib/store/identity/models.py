"""Item kinds of identities, API keys and the audit log."""

from __future__ import annotations

from typing import Any

from pynamodb.attributes import (
    BooleanAttribute,
    NumberAttribute,
    UnicodeAttribute,
)

from chalicelib.store.core.codecs import Json
from chalicelib.store.core.models import Kind


class AuditItem(Kind):
    """An audit row: action, author and address; its key holds the time. Only an erasure changes it."""

    what = UnicodeAttribute()
    by = UnicodeAttribute()
    key = UnicodeAttribute()
    address = UnicodeAttribute(null=True)
    about = UnicodeAttribute(null=True)
    details: Json[dict[str, Any]] = Json(dict[str, Any])


class IdentityItem(Kind):
    """The only row that maps a player to the random ids on ledger rows and boards. An erasure deletes it.

    `key_changes`: how many times keys were created and revoked. The next change is conditional on it.
    """

    in_parts = True

    version = NumberAttribute(attr_name="v")
    account = UnicodeAttribute()
    public = UnicodeAttribute()
    created_at = NumberAttribute()
    display_name = UnicodeAttribute(null=True)
    private = BooleanAttribute(null=True)
    hidden = BooleanAttribute(null=True)
    asked_at: Json[dict[str, int]] = Json(dict[str, int], null=True)
    key_changes = NumberAttribute(null=True)


class PublicItem(Kind):
    """Maps a public id to its player."""

    player = UnicodeAttribute()


class KeyItem(Kind):
    """An API key, found by its SHA-256. `revoked_at`: the revocation is permanent.

    It holds the account too, so that a transfer need not read the sender before it reads the sender's balance.
    """

    in_parts = True

    player = UnicodeAttribute()
    prefix = UnicodeAttribute()
    permissions: Json[list[str]] = Json(list[str])
    created_at = NumberAttribute()
    account = UnicodeAttribute(null=True)
    public = UnicodeAttribute(null=True)
    used_on = UnicodeAttribute(null=True)
    revoked_at = NumberAttribute(null=True)


class PlayerKeyItem(Kind):
    """An entry of a player's list of keys: maps a prefix to a digest."""

    in_parts = True

    digest = UnicodeAttribute()
    created_at = NumberAttribute()
    revoked_at = NumberAttribute(null=True)
