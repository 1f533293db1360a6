"""Item kinds of invites and referrals, beside those in `models`."""

from __future__ import annotations

from pynamodb.attributes import NumberAttribute, UnicodeAttribute, UnicodeSetAttribute

from chalicelib.store.core.codecs import Json
from chalicelib.store.core.models import Kind


class InviteItem(Kind):
    """An invite, found by its code. `digest`: SHA-256 of the token that leads to it as well.

    It names its player by account and public id: after an erasure it leads nowhere.
    """

    account = UnicodeAttribute()
    public = UnicodeAttribute()
    digest = UnicodeAttribute()
    uses = NumberAttribute()
    used = NumberAttribute()
    created_at = NumberAttribute(attr_name="createdAt")
    expires_at = NumberAttribute(attr_name="expiresAt")
    expires = NumberAttribute()


class InviteTokenItem(Kind):
    """SHA-256 of a token -> code, and whose it is."""

    code = UnicodeAttribute()
    account = UnicodeAttribute()
    public = UnicodeAttribute()
    expires = NumberAttribute()


class InvitesItem(Kind):
    """A player's own list, at most 20: code -> when it expires (ms)."""

    version = NumberAttribute(attr_name="v")
    codes: Json[dict[str, int]] = Json(dict[str, int])


class ReferralItem(Kind):
    """Of two accounts: which one's invite the other redeemed, when, by which request."""

    referrer = UnicodeAttribute()
    at = NumberAttribute()
    claim = UnicodeAttribute()


class AttemptsItem(Kind):
    """Which attempts of an account to redeem failed in a minute: a short id of each, at most ten."""

    failed: UnicodeSetAttribute = UnicodeSetAttribute()
    expires = NumberAttribute()
