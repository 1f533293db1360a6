"""Revoke an invite."""

from __future__ import annotations

import msgspec

from chalicelib.domain.core.errors import InvalidRequest
from chalicelib.domain.invites.invites import parse_code, shown_code
from chalicelib.services.context import Context
from chalicelib.services.core.retry_until_known import settle
from chalicelib.services.identity.authenticate import Caller
from chalicelib.services.identity.owners import owner_of
from chalicelib.services.invites.read_invites import Code, unknown_invite
from chalicelib.store.invites import keys
from chalicelib.store.invites.invites import read_invite, read_own, remove_invite


class RevokeQuery(msgspec.Struct, frozen=True):
    """`code`: the invite to revoke; required."""

    code: Code = ""


class InviteRevoked(msgspec.Struct):
    success: bool
    code: str


def revoke_invite(context: Context, caller: Caller, code: str) -> InviteRevoked:
    """Revoke an invite: its code and its token become unknown.

    Raises InvalidRequest without a code, NotFound if it is no invite of the caller.
    """
    if not code:
        raise InvalidRequest("'code' is missing.", parameter="code")
    owner = owner_of(context, caller)
    parsed = parse_code(code)
    if parsed is None:
        raise unknown_invite()
    tried = False

    def attempt() -> None:
        nonlocal tried
        items = context.table.get_many([keys.invite(parsed), keys.invites(owner.account)])
        invite = read_invite(items.get(keys.invite(parsed)), context.now_ms())
        if invite is None or invite.account != owner.account:
            if tried:
                return
            raise unknown_invite()
        tried = True
        own = read_own(items.get(keys.invites(owner.account)))
        tx = context.table.transaction()
        remove_invite(tx, invite, own)
        tx.commit()

    settle(context, attempt)
    return InviteRevoked(success=True, code=shown_code(parsed))
