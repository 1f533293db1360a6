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
    """Who did what, when (the key tells), from which address. Never changed but by an erasure."""

    what = UnicodeAttribute()
    by = UnicodeAttribute()
    key = UnicodeAttribute()
    address = UnicodeAttribute(null=True)
    about = UnicodeAttribute(null=True)
    details: Json[dict[str, Any]] = Json(dict[str, Any])


class IdentityItem(Kind):
    """The one row that maps a player to the random ids on ledger rows and boards; erasure deletes it.

    `key_changes` counts keys made and revoked: the condition under which the next one is.
    """

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
    """Public id -> player."""

    player = UnicodeAttribute()


class KeyItem(Kind):
    """An API key, found by its SHA-256. `revoked_at`: for good. It tells the account too, so that a transfer need not
    read who sends it before it reads what they have."""

    player = UnicodeAttribute()
    prefix = UnicodeAttribute()
    permissions: Json[list[str]] = Json(list[str])
    created_at = NumberAttribute()
    account = UnicodeAttribute(null=True)
    public = UnicodeAttribute(null=True)
    used_on = UnicodeAttribute(null=True)
    revoked_at = NumberAttribute(null=True)


class PlayerKeyItem(Kind):
    """A player's own list of keys: prefix -> digest."""

    digest = UnicodeAttribute()
    created_at = NumberAttribute()
    revoked_at = NumberAttribute(null=True)
