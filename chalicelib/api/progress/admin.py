"""What admins decide by hand."""

from __future__ import annotations

from chalicelib.api.blueprint import PREFIX, Blueprint
from chalicelib.api.request import Call
from chalicelib.domain.identity.permissions import ADMIN
from chalicelib.services.events.accept_events import Accepted
from chalicelib.services.progress.decide_badge import BadgeDecisionRequest, decide_badge
from chalicelib.services.progress.hide_player import hide_player

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


@admin.route(
    f"{PREFIX}/admin/players/{{player}}/hide",
    method="POST",
    tag="admin",
    summary="Hide a player",
    description="Takes them off every board and out of others' sight. Totals, rewards and archived ranks stay.",
    answer=Accepted,
    status=202,
    permission=ADMIN,
    errors=(404,),
)
def hide(call: Call) -> Accepted:
    return hide_player(call.context, call.who, call.path("player"), "player.hidden")


@admin.route(
    f"{PREFIX}/admin/players/{{player}}/unhide",
    method="POST",
    tag="admin",
    summary="Show a hidden player again",
    description="They come back with the scores of their totals; on boards of closed periods, with those they had.",
    answer=Accepted,
    status=202,
    permission=ADMIN,
    errors=(404,),
)
def unhide(call: Call) -> Accepted:
    return hide_player(call.context, call.who, call.path("player"), "player.unhidden")
