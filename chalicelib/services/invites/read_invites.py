"""A player's own invites."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from chalicelib.domain.core.errors import NotFound
from chalicelib.domain.core.periods import moment_name
from chalicelib.domain.invites.invites import EXPIRED, MAX_TEXT, Invite, parse_code, shown_code
from chalicelib.services.context import Context
from chalicelib.services.identity.authenticate import Caller
from chalicelib.services.identity.owners import owner_of
from chalicelib.store.invites.invites import load_invites, load_own

Code = Annotated[str, Meta(max_length=MAX_TEXT, description="In upper or lower case, with or without the dash.")]


class InvitesQuery(msgspec.Struct, frozen=True):
    """`code`: return only this invite."""

    code: Code | None = None


class InviteShown(msgspec.Struct, rename="camel"):
    """An invite that was redeemed `used` of `uses` times. `state`: `open`, or `used_up` until it expires."""

    code: str
    uses: int
    used: int
    state: str
    created_at: str
    expires_at: str


class InviteList(msgspec.Struct):
    invites: list[InviteShown]


def read_invites(context: Context, caller: Caller, code: str | None = None) -> InviteList:
    """Return the caller's invites that have not expired, oldest first, at most 20; or only the one with this code.

    Raises NotFound.
    """
    owner, now_ms = owner_of(context, caller), context.now_ms()
    found = load_invites(context.table, load_own(context.table, owner.account).codes, now_ms)
    shown = [shown_invite(each, now_ms) for each in found if each.state(now_ms) != EXPIRED]
    if code is None:
        return InviteList(shown)
    parsed = parse_code(code)
    only = [each for each in shown if parsed and each.code == shown_code(parsed)]
    if not only:
        raise unknown_invite()
    return InviteList(only)


def shown_invite(invite: Invite, now_ms: int) -> InviteShown:
    return InviteShown(
        shown_code(invite.code),
        invite.uses,
        invite.used,
        invite.state(now_ms),
        moment_name(invite.created_at),
        moment_name(invite.expires_at),
    )


def unknown_invite() -> NotFound:
    return NotFound("There is no such invite.", code="unknown_invite")
