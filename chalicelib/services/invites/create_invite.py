"""Create an invite."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from chalicelib.domain.core.errors import ConflictingState
from chalicelib.domain.core.periods import DAY_MS, moment_name
from chalicelib.domain.identity.owner import Owner
from chalicelib.domain.invites.invites import (
    DEFAULT_DAYS,
    DEFAULT_USES,
    MAX_DAYS,
    MAX_OPEN,
    MAX_USES,
    OPEN,
    Invite,
    code_of,
    shown_code,
    token_digest,
    token_of,
)
from chalicelib.services.context import Context
from chalicelib.services.core.retry_until_known import settle
from chalicelib.services.identity.authenticate import Caller
from chalicelib.services.identity.owners import owner_of
from chalicelib.store.invites.invites import OwnInvites, add_invite, load_invites, load_own


class InviteRequest(msgspec.Struct, forbid_unknown_fields=True):
    """A request for an invite. `uses`: how often it may be redeemed; `days`: its validity."""

    uses: Annotated[int, Meta(ge=1, le=MAX_USES)] = DEFAULT_USES
    days: Annotated[int, Meta(ge=1, le=MAX_DAYS)] = DEFAULT_DAYS


class InviteMade(msgspec.Struct, rename="camel"):
    """A new invite. `token`: for links; shown only this once."""

    code: str
    token: str
    uses: int
    used: int
    created_at: str
    expires_at: str


def create_invite(context: Context, caller: Caller, request: InviteRequest) -> InviteMade:
    """Create an invite of the caller with a token. Raises ConflictingState (`too_many_invites`) if 20 are open."""
    owner = owner_of(context, caller)
    token, digest = new_token(context)
    tried: dict[str, Invite] = {}

    def attempt() -> Invite:
        now_ms = context.now_ms()
        own = load_own(context.table, owner.account)
        written = next((tried[code] for code in own.codes if code in tried), None)
        if written is not None:
            return written
        invite = _new(context, owner, request, digest, now_ms)
        tried[invite.code] = invite
        tx = context.table.transaction()
        add_invite(tx, invite, own, _kept(context, own, now_ms))
        tx.commit()
        return invite

    return made(settle(context, attempt), token)


def new_token(context: Context) -> tuple[str, str]:
    """Return a token of 32 random bytes and its digest."""
    while True:
        token = token_of(context.new_id() + context.new_id())
        digest = token_digest(token)
        if digest is not None:
            return token, digest


def made(invite: Invite, token: str) -> InviteMade:
    return InviteMade(
        shown_code(invite.code),
        token,
        invite.uses,
        invite.used,
        moment_name(invite.created_at),
        moment_name(invite.expires_at),
    )


def _new(context: Context, owner: Owner, request: InviteRequest, digest: str, now_ms: int) -> Invite:
    code = None
    while code is None:
        code = code_of(context.new_id())
    expires_at = now_ms + request.days * DAY_MS
    return Invite(code, owner.account, owner.public, digest, request.uses, 0, now_ms, expires_at)


def _kept(context: Context, own: OwnInvites, now_ms: int) -> dict[str, int]:
    """Return code -> expiry without expired invites, and, only if the list is full, without used-up ones."""
    codes = {code: expires_at for code, expires_at in own.codes.items() if expires_at > now_ms}
    if len(codes) >= MAX_OPEN:
        found = load_invites(context.table, codes, now_ms)
        codes = {each.code: each.expires_at for each in found if each.state(now_ms) == OPEN}
    if len(codes) >= MAX_OPEN:
        raise ConflictingState(
            f"At most {MAX_OPEN} invites may be open at once.", code="too_many_invites", maximum=MAX_OPEN
        )
    return codes
