"""Invites: who brings whom."""

from __future__ import annotations

from chalicelib.api.blueprint import PREFIX, Blueprint
from chalicelib.api.request import Call
from chalicelib.domain.identity.permissions import PLAYER
from chalicelib.domain.invites.invites import MAX_FAILED, MAX_OPEN
from chalicelib.services.invites.create_invite import InviteMade, InviteRequest
from chalicelib.services.invites.create_invite import create_invite as create
from chalicelib.services.invites.read_invites import InviteList, InvitesQuery
from chalicelib.services.invites.read_invites import read_invites as read
from chalicelib.services.invites.redeem_invite import InviteRedeemed, RedeemInvite
from chalicelib.services.invites.redeem_invite import redeem_invite as redeem
from chalicelib.services.invites.revoke_invite import InviteRevoked, RevokeQuery
from chalicelib.services.invites.revoke_invite import revoke_invite as revoke
from chalicelib.services.invites.rotate_invite import RotateRequest
from chalicelib.services.invites.rotate_invite import rotate_invite as rotate

invites = Blueprint(__name__)


@invites.route(
    f"{PREFIX}/invite",
    tag="economy",
    summary="Your invites",
    description="Those that have not expired, without their tokens.",
    query=InvitesQuery,
    answer=InviteList,
    permission=PLAYER,
)
def read_invites(call: Call) -> InviteList:
    return read(call.context, call.who, call.query.code)


@invites.route(
    f"{PREFIX}/invite",
    method="POST",
    tag="economy",
    summary="Make an invite",
    description=f"A code to tell and a token for links, which is shown this once. At most {MAX_OPEN} are open at once "
    "(409 `too_many_invites`).",
    body=InviteRequest,
    optional_body=True,
    answer=InviteMade,
    permission=PLAYER,
    status=201,
    errors=(409,),
)
def create_invite(call: Call) -> InviteMade:
    return create(call.context, call.who, call.body)


@invites.route(
    f"{PREFIX}/invite",
    method="DELETE",
    tag="economy",
    summary="Revoke an invite",
    description="Its code and its token lead nowhere from then on; who redeemed it has done so.",
    query=RevokeQuery,
    answer=InviteRevoked,
    permission=PLAYER,
    errors=(404,),
)
def revoke_invite(call: Call) -> InviteRevoked:
    return revoke(call.context, call.who, call.query.code)


@invites.route(
    f"{PREFIX}/invite/rotate",
    method="POST",
    tag="economy",
    summary="A new token for an invite",
    description="The old one leads nowhere from then on. 410 if the invite expired or is used up.",
    body=RotateRequest,
    answer=InviteMade,
    permission=PLAYER,
    errors=(404, 410),
)
def rotate_invite(call: Call) -> InviteMade:
    return rotate(call.context, call.who, call.body)


@invites.route(
    f"{PREFIX}/invite/redeem",
    method="POST",
    tag="economy",
    summary="Redeem an invite",
    description="By code or by token. Once for each two players: 409 `already_redeemed`, which is also what comes "
    "after a lost answer, and `referral_cycle` if you invited them. 400 `own_invite`, 404 `unknown_invite`, 410 "
    f"`invite_expired` or `invite_used_up`. {MAX_FAILED} failed attempts a minute, then 429 whatever is sent.",
    body=RedeemInvite,
    answer=InviteRedeemed,
    permission=PLAYER,
    errors=(404, 409, 410),
)
def redeem_invite(call: Call) -> InviteRedeemed:
    return redeem(call.context, call.who, call.body)
