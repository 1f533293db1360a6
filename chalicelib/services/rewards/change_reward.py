"""Manage the catalogue of rewards: create, change, retire."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Annotated

import msgspec
from msgspec import Meta

from chalicelib.domain.core.errors import ConflictingState, InvalidRequest, NotFound
from chalicelib.domain.core.moments import Moment
from chalicelib.domain.core.sentences import not_one_of
from chalicelib.domain.identity.names import tidy
from chalicelib.domain.identity.visible_text import is_visible
from chalicelib.domain.rewards.rewards import (
    MAX_COST,
    MAX_DESCRIPTION,
    MAX_NAME,
    MAX_PER_PLAYER,
    MAX_REWARDS,
    MAX_STOCK,
    MAX_TYPE,
    NO_REWARD,
    REWARD_ID,
    Listed,
    Reward,
    check_known,
)
from chalicelib.services.context import Context
from chalicelib.services.core.retry_until_known import settle
from chalicelib.services.identity.audit import audit
from chalicelib.services.identity.authenticate import Caller
from chalicelib.services.rewards.read_rewards import RewardShown, reward_shown
from chalicelib.services.rewards.redeem_reward import redeemable
from chalicelib.store.rewards.rewards import add_change, count_rewards, load_reward


class RewardRequest(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """The whole reward. Absent limits do not apply."""

    name: Annotated[str, Meta(min_length=1, max_length=MAX_NAME, description="Visible characters.")]
    description: Annotated[str, Meta(min_length=1, max_length=MAX_DESCRIPTION, description="Visible characters.")]
    cost: Annotated[int, Meta(ge=1, le=MAX_COST)]
    asset: Annotated[str, Meta(max_length=64, description="A redeemable asset of the ruleset.")]
    type: Annotated[str, Meta(pattern=rf"^[A-Za-z0-9._-]{{1,{MAX_TYPE}}}\Z", description=("A word of your choice."))]
    requires_fulfilment: Annotated[
        bool, Meta(description=("The cost is held until an admin fulfils or cancels the redemption."))
    ] = False
    stock: Annotated[int, Meta(ge=0, le=MAX_STOCK, description="The total number, including redeemed ones.")] | None = (
        None
    )
    per_player: (
        Annotated[int, Meta(ge=1, le=MAX_PER_PLAYER, description="How often one player may redeem it.")] | None
    ) = None
    available_from: Moment | None = None
    available_until: Annotated[Moment | None, Meta(description="The reward is not available from this moment on.")] = (
        None
    )


def put_reward(context: Context, caller: Caller, reward_id: str, request: RewardRequest) -> RewardShown:
    """Create, change or restore the reward with this id; a repeated request changes nothing.

    The stock is a total, and redemptions count the sold number separately, so neither overwrites the other. Raises
    InvalidRequest, ConflictingState (`too_many_rewards`), and the errors of `settle`.
    """
    if not re.fullmatch(REWARD_ID, reward_id):
        raise InvalidRequest(
            "A reward's id must be words of a-z and 0-9, joined by dashes, at most 48 characters.", parameter="reward"
        )
    reward = _reward(context, request)
    return _change(context, caller, reward_id, lambda _: reward)


def retire_reward(context: Context, caller: Caller, reward_id: str) -> RewardShown:
    """End the redemption of a reward; existing redemptions stay. Raises NotFound and the errors of `settle`."""

    def retired(before: Listed | None) -> Reward:
        if before is None:
            raise NotFound(NO_REWARD)
        return msgspec.structs.replace(before.reward, retired=True)

    check_known(reward_id)
    return _change(context, caller, reward_id, retired)


def _reward(context: Context, request: RewardRequest) -> Reward:
    for name, text in (("name", request.name), ("description", request.description)):
        if not is_visible(text):
            raise InvalidRequest(f"'{name}' must be visible characters.", parameter=name)
    allowed = redeemable(context)
    if request.asset not in allowed:
        raise InvalidRequest(not_one_of("asset", request.asset, allowed), parameter="asset", allowed=list(allowed))
    since = request.available_from.ms if request.available_from else None
    until = request.available_until.ms if request.available_until else None
    if since is not None and until is not None and since >= until:
        raise InvalidRequest("'availableUntil' must be after 'availableFrom'.", parameter="availableUntil")
    return Reward(
        name=tidy(request.name),
        description=request.description,
        cost=request.cost,
        asset=request.asset,
        type=request.type,
        fulfilment=request.requires_fulfilment,
        stock=request.stock,
        per_player=request.per_player,
        since=since,
        until=until,
    )


def _change(context: Context, caller: Caller, reward_id: str, change: Callable[[Listed | None], Reward]) -> RewardShown:
    return settle(context, lambda: _try(context, caller, reward_id, change))


def _try(context: Context, caller: Caller, reward_id: str, change: Callable[[Listed | None], Reward]) -> RewardShown:
    before = load_reward(context.table, reward_id)
    reward, now_ms = change(before), context.now_ms()
    if before is not None and before.reward == reward:
        return reward_shown(before, now_ms)
    is_new = not reward.retired and (before is None or before.reward.retired)
    if is_new and count_rewards(context.table) >= MAX_REWARDS:
        raise ConflictingState(
            f"At most {MAX_REWARDS} rewards may exist; retire one first.", code="too_many_rewards", maximum=MAX_REWARDS
        )
    after = Listed(reward_id, reward, 1) if before is None else replace(before, reward=reward)
    what = "reward.retired" if reward.retired else "reward.changed"
    content = msgspec.to_builtins(reward)
    tx = context.table.transaction()
    add_change(tx, reward_id, before, reward)
    audit(tx, caller, what, context.new_id(), now_ms, reward=reward_id, now=content)
    tx.commit()
    return reward_shown(after, now_ms)
