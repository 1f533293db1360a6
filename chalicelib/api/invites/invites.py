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
        description="Those that have not expired, without their tokens.",
    ),
    Operation(
        "create_invite",
        f"{PREFIX}/invite",
        "Make an invite",
        "economy",
        method="POST",
        use_case=f"{SERVICES}.create_invite:create_invite",
        body="InviteRequest",
        optional_body=True,
        answer="InviteMade",
        permission=PLAYER,
        status=201,
        refusals=(ErrorKind.CONFLICT,),
        description=f"A code to tell and a token for links, which is shown this once. At most {MAX_OPEN} are open at "
        "once (409 `too_many_invites`).",
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
        description="Its code and its token lead nowhere from then on; who redeemed it has done so.",
    ),
    Operation(
        "rotate_invite",
        f"{PREFIX}/invite/rotate",
        "A new token for an invite",
        "economy",
        method="POST",
        use_case=f"{SERVICES}.rotate_invite:rotate_invite",
        body="RotateRequest",
        answer="InviteMade",
        permission=PLAYER,
        refusals=(ErrorKind.NOT_FOUND, ErrorKind.GONE),
        description="The old one leads nowhere from then on. 410 if the invite expired or is used up.",
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
        description="By code or by token. Once for each two players: 409 `already_redeemed`, which is also what comes "
        "after a lost answer, and `referral_cycle` if you invited them. 400 `own_invite`, 404 `unknown_invite`, 410 "
        f"`invite_expired` or `invite_used_up`. {MAX_FAILED} failed attempts a minute, then 429 whatever is sent.",
    ),
)
