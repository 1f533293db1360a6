"""Rewards: the catalogue, what players redeem of it, what admins decide about that."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from chalicelib.api.blueprint import PREFIX, Blueprint
from chalicelib.api.request import Call
from chalicelib.domain.identity.permissions import ADMIN, PLAYER
from chalicelib.services.core.answer import Answer
from chalicelib.services.rewards.change_reward import RewardRequest
from chalicelib.services.rewards.change_reward import put_reward as put
from chalicelib.services.rewards.change_reward import retire_reward as retire
from chalicelib.services.rewards.read_redemptions import (
    MAX_LIMIT,
    AllRedemptions,
    Redemptions,
    Status,
    read_all_redemptions,
    read_redemptions,
)
from chalicelib.services.rewards.read_rewards import Rewards, RewardShown, read_reward, read_rewards
from chalicelib.services.rewards.redeem_reward import RedeemRequest, RedemptionMade
from chalicelib.services.rewards.redeem_reward import redeem_reward as redeem
from chalicelib.services.rewards.resolve_redemption import RedemptionResolved, resolve_redemption

rewards = Blueprint(__name__)
Cursor = Annotated[str, Meta(max_length=64, description="Of the page before.")]
Limit = Annotated[int, Meta(ge=1, le=MAX_LIMIT)]


class RedemptionsQuery(msgspec.Struct):
    cursor: Cursor | None = None
    limit: Limit = 50


class AllRedemptionsQuery(msgspec.Struct):
    status: Status = "pending"
    cursor: Cursor | None = None
    limit: Limit = 50


@rewards.route(
    f"{PREFIX}/rewards",
    tag="economy",
    summary="All rewards",
    description="Cheapest first, with what is left of each.",
    answer=Rewards,
    permission=PLAYER,
)
def list_rewards(call: Call) -> Rewards:
    return read_rewards(call.context)


@rewards.route(
    f"{PREFIX}/rewards/{{reward}}",
    tag="economy",
    summary="A reward",
    description="Retired ones too.",
    answer=RewardShown,
    permission=PLAYER,
)
def show_reward(call: Call) -> RewardShown:
    return read_reward(call.context, call.path("reward"))


@rewards.route(
    f"{PREFIX}/rewards/{{reward}}/redeem",
    method="POST",
    tag="economy",
    summary="Redeem a reward",
    description="Once for each `idempotencyKey`. Refused, in this order: 404; 409 `not_available`, `limit_reached`, "
    "`out_of_stock`; 400 `insufficient_balance`, which alone is remembered. `pending`: the cost is held until the "
    "redemption is fulfilled or cancelled.",
    body=RedeemRequest,
    answer=RedemptionMade,
    replays=True,
    permission=PLAYER,
    errors=(404, 409),
)
def redeem_reward(call: Call) -> Answer:
    return redeem(call.context, call.who, call.path("reward"), call.body)


@rewards.route(
    f"{PREFIX}/redemptions",
    tag="economy",
    summary="Own redemptions",
    description="Newest first.",
    query=RedemptionsQuery,
    answer=Redemptions,
    permission=PLAYER,
)
def own_redemptions(call: Call) -> Redemptions:
    return read_redemptions(call.context, call.who, call.query.cursor, call.query.limit)


@rewards.route(
    f"{PREFIX}/admin/rewards/{{reward}}",
    method="PUT",
    tag="admin",
    summary="Create or change a reward",
    description="The whole reward; the same again changes nothing. `stock` is how many there are in all, those "
    "redeemed too, so that it can be changed while players redeem. A retired reward comes back.",
    body=RewardRequest,
    answer=RewardShown,
    permission=ADMIN,
    errors=(409,),
)
def put_reward(call: Call) -> RewardShown:
    return put(call.context, call.who, call.path("reward"), call.body)


@rewards.route(
    f"{PREFIX}/admin/rewards/{{reward}}",
    method="DELETE",
    tag="admin",
    summary="Retire a reward",
    description="Nobody can redeem it any more; what was redeemed stays.",
    answer=RewardShown,
    permission=ADMIN,
    errors=(404,),
)
def retire_reward(call: Call) -> RewardShown:
    return retire(call.context, call.who, call.path("reward"))


@rewards.route(
    f"{PREFIX}/admin/redemptions",
    tag="admin",
    summary="Redemptions of all players",
    description="Of one status, newest first.",
    query=AllRedemptionsQuery,
    answer=AllRedemptions,
    permission=ADMIN,
)
def all_redemptions(call: Call) -> AllRedemptions:
    return read_all_redemptions(call.context, call.query.status, call.query.cursor, call.query.limit)


@rewards.route(
    f"{PREFIX}/admin/redemptions/{{redemption}}/fulfil",
    method="POST",
    tag="admin",
    summary="Fulfil a pending redemption",
    description="What was held is paid. The same again gets the same answer.",
    answer=RedemptionResolved,
    replays=True,
    permission=ADMIN,
    errors=(404, 409),
)
def fulfil_redemption(call: Call) -> Answer:
    return resolve_redemption(call.context, call.who, call.path("redemption"), "fulfil")


@rewards.route(
    f"{PREFIX}/admin/redemptions/{{redemption}}/cancel",
    method="POST",
    tag="admin",
    summary="Cancel a pending redemption",
    description="What was held is available again, and so is what it took of the stock. The same again gets the same "
    "answer.",
    answer=RedemptionResolved,
    replays=True,
    permission=ADMIN,
    errors=(404, 409),
)
def cancel_redemption(call: Call) -> Answer:
    return resolve_redemption(call.context, call.who, call.path("redemption"), "cancel")


@rewards.route(
    f"{PREFIX}/admin/redemptions/{{redemption}}/refund",
    method="POST",
    tag="admin",
    summary="Refund a redemption",
    description="One that is completed or fulfilled: what it cost comes back, and so does what it took of the stock. "
    "The same again gets the same answer.",
    answer=RedemptionResolved,
    replays=True,
    permission=ADMIN,
    errors=(404, 409),
)
def refund_redemption(call: Call) -> Answer:
    return resolve_redemption(call.context, call.who, call.path("redemption"), "refund")
