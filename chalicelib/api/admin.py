"""What admins decide by hand."""

from __future__ import annotations

from chalicelib.api.blueprint import PREFIX, Blueprint
from chalicelib.api.request import Call
from chalicelib.domain.permissions import ADMIN
from chalicelib.services.accept_events import Accepted
from chalicelib.services.decide_badge import BadgeDecisionRequest, decide_badge

admin = Blueprint(__name__)


@admin.route(
    f"{PREFIX}/admin/badges/{{badge}}/grant",
    method="POST",
    tag="admin",
    summary="Grant a badge",
    body=BadgeDecisionRequest,
    answer=Accepted,
    status=202,
    permission=ADMIN,
    errors=(404,),
)
def grant_badge(call: Call) -> Accepted:
    return decide_badge(call.context, call.who, call.path("badge"), "badge.granted", call.body)


@admin.route(
    f"{PREFIX}/admin/badges/{{badge}}/revoke",
    method="POST",
    tag="admin",
    summary="Revoke a badge",
    description="It stays on record, keeps the XP it paid, and is not earned again by rules.",
    body=BadgeDecisionRequest,
    answer=Accepted,
    status=202,
    permission=ADMIN,
    errors=(404,),
)
def revoke_badge(call: Call) -> Accepted:
    return decide_badge(call.context, call.who, call.path("badge"), "badge.revoked", call.body)
