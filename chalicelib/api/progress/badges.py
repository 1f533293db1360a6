"""Operations on badges: a player's badges, and what admins grant and revoke."""

from __future__ import annotations

from chalicelib.api.operation import PREFIX, Operation
from chalicelib.api.progress.reads import of_any_player, own
from chalicelib.domain.core.errors import ErrorKind
from chalicelib.domain.identity.permissions import ADMIN

SERVICES = "chalicelib.services.progress"
READ_BADGES = f"{SERVICES}.read_badges:read_badges"
DECIDE_BADGE = f"{SERVICES}.decide_badge:decide_badge"


def _decision(verb: str, summary: str, decision: str, description: str = "") -> Operation:
    """Describe an admin's decision about a badge of a player."""
    return Operation(
        f"{verb}_badge",
        f"{PREFIX}/admin/badges/{{badge}}/{verb}",
        summary,
        "admin",
        method="POST",
        use_case=DECIDE_BADGE,
        constants={"decision": decision},
        body="BadgeDecisionRequest",
        answer="Accepted",
        status=202,
        permission=ADMIN,
        refusals=(ErrorKind.NOT_FOUND,),
        description=description,
    )


OPERATIONS = (
    own("read_own_badges", "badges", "badges", READ_BADGES, query="BadgeQuery", answer="BadgeList"),
    of_any_player("read_player_badges", "/badges", "badges", READ_BADGES, query="BadgeQuery", answer="BadgeList"),
    _decision("grant", "Grant a badge", "badge.granted"),
    _decision(
        "revoke",
        "Revoke a badge",
        "badge.revoked",
        "The record stays, and the player keeps the XP that the badge paid. Rules do not grant the badge again.",
    ),
)
