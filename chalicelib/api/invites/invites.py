"""Operations on invites."""

from __future__ import annotations

from chalicelib.api.operation import PREFIX, Operation
from chalicelib.domain.core.errors import ErrorKind
from chalicelib.domain.identity.permissions import PLAYER
from chalicelib.domain.invites.invites import MAX_FAILED, MAX_OPEN

SERVICES = "chalicelib.services.invites"

OPERATIONS = (
    Operation(
        "read_invites",
        f"{PREFIX}/invite",
        "Your invites",
        "economy",
        use_case=f"{SERVICES}.read_invites:read_invites",
        query="InvitesQuery",
        answer="InviteList",
        permission=PLAYER,
        description="Your invites that have not expired, without their tokens.",
    ),
    Operation(
        "create_invite",
        f"{PREFIX}/invite",
        "Create an invite",
        "economy",
        method="POST",
        use_case=f"{SERVICES}.create_invite:create_invite",
        body="InviteRequest",
        optional_body=True,
        answer="InviteMade",
        permission=PLAYER,
        status=201,
        refusals=(ErrorKind.CONFLICT,),
        description=(
            f"Returns a code to share and a token for links. The token is shown only here. At most {MAX_OPEN} "
            "invites are open at once (409 `too_many_invites`)."
        ),
    ),
    Operation(
        "revoke_invite",
        f"{PREFIX}/invite",
        "Revoke an invite",
        "economy",
        method="DELETE",
        use_case=f"{SERVICES}.revoke_invite:revoke_invite",
        query="RevokeQuery",
        answer="InviteRevoked",
        permission=PLAYER,
        refusals=(ErrorKind.NOT_FOUND,),
        description="Its code and its token stop working. Referrals that were already made stay.",
    ),
    Operation(
        "rotate_invite",
        f"{PREFIX}/invite/rotate",
        "Replace the token of an invite",
        "economy",
        method="POST",
        use_case=f"{SERVICES}.rotate_invite:rotate_invite",
        body="RotateRequest",
        answer="InviteMade",
        permission=PLAYER,
        refusals=(ErrorKind.NOT_FOUND, ErrorKind.GONE),
        description="The old token stops working. 410 if the invite has expired or is used up.",
    ),
    Operation(
        "redeem_invite",
        f"{PREFIX}/invite/redeem",
        "Redeem an invite",
        "economy",
        method="POST",
        use_case=f"{SERVICES}.redeem_invite:redeem_invite",
        body="RedeemInvite",
        answer="InviteRedeemed",
        permission=PLAYER,
        refusals=(ErrorKind.NOT_FOUND, ErrorKind.CONFLICT, ErrorKind.GONE),
        description=(
            "Redeem by code or by token, once per pair of players. 409 `already_redeemed`: you have redeemed an "
            "invite of this player; if you lost the first response, treat it as success. 409 `referral_cycle`: the "
            "owner has redeemed an invite of yours. Other errors: 400 `own_invite`, 404 `unknown_invite`, 410 "
            f"`invite_expired` or `invite_used_up`. After {MAX_FAILED} failed attempts in a minute, all further "
            "attempts are 429 until the minute ends."
        ),
    ),
)
