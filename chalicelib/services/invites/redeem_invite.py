"""Redeem another player's invite."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import msgspec
from msgspec import Meta

from chalicelib.domain.core.errors import ConflictingState, Gone, InvalidRequest, LostRace, NotFound, TooManyRequests
from chalicelib.domain.core.periods import moment_name
from chalicelib.domain.identity.owner import Owner
from chalicelib.domain.invites.invites import (
    MAX_FAILED,
    MAX_TEXT,
    Invite,
    parse_code,
    referral_id,
    seconds_left,
    shown_code,
    token_digest,
)
from chalicelib.services.context import Context
from chalicelib.services.core.idempotency import MAX_TRIES
from chalicelib.services.core.outbox import send_outbox_record
from chalicelib.services.core.retry_until_known import settle
from chalicelib.services.identity.authenticate import Caller
from chalicelib.services.identity.owners import owner_of
from chalicelib.services.invites.read_invites import Code, unknown_invite
from chalicelib.store.core.keys import Key
from chalicelib.store.core.models import Item
from chalicelib.store.core.outbox import OutboxRecord, add_outbox_record
from chalicelib.store.core.outcomes import ConditionFailed, Unknown
from chalicelib.store.core.transaction import Transaction
from chalicelib.store.identity import keys as identity_keys
from chalicelib.store.identity.models import PublicItem
from chalicelib.store.invites import keys as invites_keys
from chalicelib.store.invites.invites import read_invite, read_link, use_invite
from chalicelib.store.invites.referrals import (
    Referral,
    add_referral,
    attempts_key,
    check_attempts,
    count_failed,
    read_failed,
    read_referral,
)

# A pair is never deleted, so a write that was not answered fails later.
FINAL = ("already_redeemed", "referral_cycle")

Token = Annotated[str, Meta(max_length=MAX_TEXT, description="The token in the invite's link.")]


class RedeemInvite(msgspec.Struct, forbid_unknown_fields=True):
    """An invite to redeem, by either its code or the token of its link."""

    code: Code | None = None
    token: Token | None = None


class ReferralShown(msgspec.Struct, rename="camel"):
    """A referral. `referrer`: the public id of the inviting player."""

    id: str
    referrer: str
    code: str
    created_at: str


class InviteRedeemed(msgspec.Struct):
    success: bool
    referral: ReferralShown


@dataclass(frozen=True, slots=True)
class _Found:
    """A redeemable invite, the digest of the token if the request has one, and the player who created the invite."""

    invite: Invite
    digest: str | None
    referrer: str


def redeem_invite(context: Context, caller: Caller, request: RedeemInvite) -> InviteRedeemed:
    """Redeem another player's invite: once per pair of players, in either direction.

    Raises InvalidRequest (`own_invite`), NotFound (`unknown_invite`), Gone (`invite_expired`, `invite_used_up`),
    ConflictingState (`already_redeemed`, `referral_cycle`); after ten of these in a minute, TooManyRequests for every
    request.
    """
    if (request.code is None) == (request.token is None):
        raise InvalidRequest("Send either 'code' or 'token'.", parameter="code")
    owner, claim = owner_of(context, caller), context.new_id()
    tried: dict[Key, _Found] = {}

    def attempt() -> tuple[_Found, int]:
        for pair, item in (context.table.get_many(list(tried)) if tried else {}).items():
            written = read_referral(item)
            if written is not None and written.claim == claim:
                return tried[pair], written.at_ms
        now_ms = context.now_ms()
        found = _find(context, owner, request, claim, now_ms)
        tried[invites_keys.referral(found.invite.account, owner.account)] = found
        tx = context.table.transaction()
        _add(tx, owner, found, claim, now_ms)
        tx.commit()
        return found, now_ms

    try:
        found, at_ms = settle(context, attempt, final=FINAL)
    except (InvalidRequest, NotFound, Gone, ConflictingState):
        _count(context, owner, claim)
        raise
    record = _outbox_record(owner, found, at_ms)
    send_outbox_record(context, record)
    shown = ReferralShown(record.id, found.invite.public, shown_code(found.invite.code), moment_name(at_ms))
    return InviteRedeemed(success=True, referral=shown)


def _find(context: Context, owner: Owner, request: RedeemInvite, claim: str, now_ms: int) -> _Found:
    """Find the invite of a request, with two strong reads: the requested item, then the related items.

    Raises the refusal of the request, or LostRace if this request's own write has succeeded meanwhile. Permanent
    reasons precede those that others can change: a retry after a lost answer learns that the invite was redeemed, not
    that it is used up.
    """
    attempts, requested = attempts_key(owner.account, now_ms), _key(request)
    items = context.table.get_many([attempts, *([requested] if requested else [])])
    if read_failed(items.get(attempts)) >= MAX_FAILED:
        raise _too_many(now_ms)
    item = items.get(requested) if requested else None
    named = read_link(item, now_ms) if request.token is not None else read_invite(item, now_ms)
    if named is None:
        raise unknown_invite()
    if named.account == owner.account:
        raise InvalidRequest("You cannot redeem your own invite.", code="own_invite")
    code, public, pair = (
        invites_keys.invite(named.code),
        identity_keys.public(named.public),
        invites_keys.referral(named.account, owner.account),
    )
    items |= context.table.get_many([key for key in (code, public, pair) if key not in items])
    invite = read_invite(items.get(code), now_ms)
    if invite is None or public not in items:
        raise unknown_invite()
    _check_pair(items.get(pair), invite, claim)
    try:
        invite.check(now_ms)
    except Gone:
        # A batch read is no snapshot: the last use may be this player's own.
        _check_pair(context.table.get(pair), invite, claim)
        raise
    digest = token_digest(request.token) if request.token is not None else None
    return _Found(invite, digest, PublicItem.from_raw_data(items[public]).player)


def _key(request: RedeemInvite) -> Key | None:
    """Return the key of the requested item; None for an invalid code or token."""
    if request.token is not None:
        digest = token_digest(request.token)
        return invites_keys.invite_token(digest) if digest else None
    code = parse_code(request.code or "")
    return invites_keys.invite(code) if code else None


def _check_pair(item: Item | None, invite: Invite, claim: str) -> None:
    referral = read_referral(item)
    if referral is None:
        return
    if referral.claim == claim:
        raise LostRace("it has been done meanwhile")
    when = moment_name(referral.at_ms)
    if referral.referrer != invite.account:
        raise ConflictingState(
            "The owner of this invite has redeemed one of yours.", code="referral_cycle", redeemedAt=when
        )
    raise ConflictingState(
        "You have already redeemed an invite of this player.", code="already_redeemed", redeemedAt=when
    )


def _add(tx: Transaction, owner: Owner, found: _Found, claim: str, now_ms: int) -> None:
    invite = found.invite
    use_invite(tx, invite.code, found.digest, now_ms)
    referral = Referral(invite.account, now_ms, claim)
    add_referral(tx, invites_keys.referral(invite.account, owner.account), referral)
    check_attempts(tx, owner.account, now_ms)
    add_outbox_record(tx, _outbox_record(owner, found, now_ms))


def _outbox_record(owner: Owner, found: _Found, at_ms: int) -> OutboxRecord:
    id_ = referral_id(found.invite.account, owner.account)
    return OutboxRecord(id_, at_ms, "referral", {"referrer": found.referrer, "player": owner.player})


def _count(context: Context, owner: Owner, claim: str) -> None:
    """Count a failed attempt, identified by its claim. A refusal is returned only after it was counted."""
    now_ms = context.now_ms()

    def count() -> None:
        try:
            count_failed(context.table, owner.account, claim, now_ms)
        except ConditionFailed as failed:
            raise _too_many(now_ms) from failed

    context.retry.run(count, again=(LostRace, Unknown), most=MAX_TRIES)


def _too_many(now_ms: int) -> TooManyRequests:
    sentence = f"At most {MAX_FAILED} failed attempts a minute are allowed."
    return TooManyRequests(sentence, retry_after_s=seconds_left(now_ms), maximum=MAX_FAILED)
