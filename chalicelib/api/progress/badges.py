"""Operations on badges: a player's badges, and what admins grant and revoke."""

from __future__ import annotations

from chalicelib.api.operation import PREFIX, Operation
from chalicelib.api.progress.reads import of_any_player, own
from chalicelib.domain.core.errors import ErrorKind
from chalicelib.domain.identity.permissions import ADMIN

SERVICES = "chalicelib.services.progress"
READ_BADGES = f"{SERVICES}.read_badges:read_badges"
DECIDE_BADGE = f"{SERVICES}.decide_badge:decide_badge"

OPERATIONS = (
    own("read_own_badges", "badges", "badges", READ_BADGES, query="BadgeQuery", answer="BadgeList"),
    of_any_player("read_player_badges", "/badges", "badges", READ_BADGES, query="BadgeQuery", answer="BadgeList"),
    Operation(
        "grant_badge",
        f"{PREFIX}/admin/badges/{{badge}}/grant",
        "Grant a badge",
        "admin",
        method="POST",
        use_case=DECIDE_BADGE,
        constants={"decision": "badge.granted"},
        body="BadgeDecisionRequest",
        answer="Accepted",
        status=202,
        permission=ADMIN,
        refusals=(ErrorKind.NOT_FOUND,),
    ),
    Operation(
        "revoke_badge",
        f"{PREFIX}/admin/badges/{{badge}}/revoke",
        "Revoke a badge",
        "admin",
        method="POST",
        use_case=DECIDE_BADGE,
        constants={"decision": "badge.revoked"},
        body="BadgeDecisionRequest",
        answer="Accepted",
        status=202,
        permission=ADMIN,
        refusals=(ErrorKind.NOT_FOUND,),
        description="It stays on record, keeps the XP it paid, and is not earned again by rules.",
    ),
)
