"""Replace the token of an invite; the old one becomes invalid."""

from __future__ import annotations

import msgspec

from chalicelib.domain.invites.invites import Invite, parse_code
from chalicelib.services.context import Context
from chalicelib.services.core.retry_until_known import settle
from chalicelib.services.identity.authenticate import Caller
from chalicelib.services.identity.owners import owner_of
from chalicelib.services.invites.create_invite import InviteMade, made, new_token
from chalicelib.services.invites.read_invites import Code, unknown_invite
from chalicelib.store.invites import keys
from chalicelib.store.invites.invites import read_invite, replace_token


class RotateRequest(msgspec.Struct, forbid_unknown_fields=True):
    code: Code


def rotate_invite(context: Context, caller: Caller, request: RotateRequest) -> InviteMade:
    """Replace the token of the caller's invite. Raises NotFound, also for other players' invites; Gone if not open."""
    owner = owner_of(context, caller)
    code = parse_code(request.code)
    token, digest = new_token(context)

    def attempt() -> Invite:
        now_ms = context.now_ms()
        invite = read_invite(context.table.get(keys.invite(code)), now_ms) if code else None
        if invite is None or invite.account != owner.account:
            raise unknown_invite()
        if invite.digest != digest:
            invite.check(now_ms)
            tx = context.table.transaction()
            replace_token(tx, invite, digest)
            tx.commit()
        return invite

    return made(settle(context, attempt), token)
