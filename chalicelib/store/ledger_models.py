"""Item kinds of holds, corrections and the audit log, beside those in `models`."""

from __future__ import annotations

from typing import Any

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from chalicelib.store.codecs import Json
from chalicelib.store.models import Kind


class HoldItem(Kind):
    """A part of a balance that is set aside. Its key tells account, creation, and whether it is open.

    `expires_at`: none: until it is resolved. `purpose`: a redemption's id. `expires`: once it is resolved.
    """

    asset = UnicodeAttribute()
    amount = NumberAttribute()
    expires_at = NumberAttribute(attr_name="expiresAt", null=True)
    purpose = UnicodeAttribute(null=True)
    state = UnicodeAttribute()
    posted = NumberAttribute(null=True)
    transfer = UnicodeAttribute(null=True)
    resolved_at = NumberAttribute(attr_name="resolvedAt", null=True)
    expires = NumberAttribute(null=True)


class CorrectedItem(Kind):
    """That a transfer was corrected, for good: by which transfer, and for what reason."""

    by = UnicodeAttribute()
    reason = UnicodeAttribute(null=True)


class AuditItem(Kind):
    """Who did what, when (the key tells), from which address. Never changed but by an erasure."""

    what = UnicodeAttribute()
    by = UnicodeAttribute()
    key = UnicodeAttribute()
    address = UnicodeAttribute(null=True)
    about = UnicodeAttribute(null=True)
    details: Json[dict[str, Any]] = Json(dict[str, Any])
