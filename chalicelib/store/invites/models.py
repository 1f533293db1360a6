"""Item kinds of invites and referrals."""

from __future__ import annotations

from pynamodb.attributes import NumberAttribute, UnicodeAttribute, UnicodeSetAttribute

from chalicelib.store.core.codecs import Json
from chalicelib.store.core.models import Kind


class InviteItem(Kind):
    """An invite, found by its code. `digest`: SHA-256 of the token that leads to it too.

    It names its player by account and public id, so that it leads nowhere after an erasure.
    """

    in_parts = True

    account = UnicodeAttribute()
    public = UnicodeAttribute()
    digest = UnicodeAttribute()
    uses = NumberAttribute()
    used = NumberAttribute()
    created_at = NumberAttribute(attr_name="createdAt")
    expires_at = NumberAttribute(attr_name="expiresAt")
    expires = NumberAttribute()


class InviteTokenItem(Kind):
    """Maps the SHA-256 of a token to a code and its player."""

    code = UnicodeAttribute()
    account = UnicodeAttribute()
    public = UnicodeAttribute()
    expires = NumberAttribute()


class InvitesItem(Kind):
    """A player's list of at most 20 invites: code -> expiry (ms)."""

    version = NumberAttribute(attr_name="v")
    codes: Json[dict[str, int]] = Json(dict[str, int])


class ReferralItem(Kind):
    """A referral between two accounts: the referrer, the time, and the request that redeemed the invite."""

    referrer = UnicodeAttribute()
    at = NumberAttribute()
    claim = UnicodeAttribute()


class AttemptsItem(Kind):
    """The failed attempts of an account to redeem in one minute: a short id of each, at most ten."""

    in_parts = True

    failed: UnicodeSetAttribute = UnicodeSetAttribute()
    expires = NumberAttribute()
