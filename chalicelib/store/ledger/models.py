"""Item kinds of the ledger."""

from __future__ import annotations

from typing import Any

from pynamodb.attributes import (
    NumberAttribute,
    UnicodeAttribute,
)

from chalicelib.domain.ledger.transfer_limits import Sent
from chalicelib.store.core.codecs import Json
from chalicelib.store.core.models import Kind


class HoldItem(Kind):
    """A hold: a reserved part of a balance. Its key holds account, creation, and whether it is open.

    `expires_at`: a hold without one lasts until it is resolved. `purpose`: a redemption's id. `expires`: set once it is
    resolved.
    """

    in_parts = True

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
    """The permanent mark of a corrected transfer: the transfer that corrected it, and the reason."""

    in_parts = True

    by = UnicodeAttribute()
    reason = UnicodeAttribute(null=True)


class PostingItem(Kind):
    """One side of a transfer. Immutable.

    Its key holds account, asset, transfer and time, so that the longest note has room. `with`: the public id of the
    player on the other side.
    """

    in_parts = True

    amount = NumberAttribute()
    other = UnicodeAttribute()
    kind = UnicodeAttribute()
    public = UnicodeAttribute(attr_name="with", null=True)
    note = UnicodeAttribute(null=True)
    details: Json[dict[str, Any]] = Json(dict[str, Any], null=True)
    ruleset = UnicodeAttribute(attr_name="rv")


class BalanceItem(Kind):
    """A player's account of one asset. Held = balance - available.

    `sent`: the figures that limit transfers. `expiring`: no open hold expires before it (ms). `placed`: how many
    expiring holds were ever placed. `closed`: it takes no more credits.
    """

    in_parts = True

    balance = NumberAttribute()
    available = NumberAttribute()
    sent: Json[Sent] = Json(Sent, null=True)
    expiring = NumberAttribute(null=True)
    placed = NumberAttribute(null=True)
    closed = NumberAttribute(null=True)
