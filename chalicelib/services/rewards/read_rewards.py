"""The catalogue of rewards for players."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from chalicelib.domain.core.errors import NotFound
from chalicelib.domain.core.periods import moment_name
from chalicelib.domain.rewards.rewards import NO_REWARD, Listed, check_known
from chalicelib.services.context import Context
from chalicelib.store.rewards.rewards import list_rewards, load_reward


class RewardShown(msgspec.Struct, rename="camel", omit_defaults=True):
    """A reward with the rest of its stock. Limits that do not apply are absent."""

    id: str
    name: str
    description: str
    cost: int
    asset: str
    type: str
    requires_fulfilment: bool
    available: Annotated[
        bool, Meta(description=("Whether it can be redeemed now. Does not consider the player's balance."))
    ]
    stock: Annotated[int | None, Meta(description="The total number, including redeemed ones.")] = None
    left: Annotated[int | None, Meta(description="The remaining stock.")] = None
    per_player: int | None = None
    available_from: str | None = None
    available_until: str | None = None
    retired: bool = False


class Rewards(msgspec.Struct):
    """All rewards that are not retired, cheapest first: 200 at most."""

    rewards: list[RewardShown]


def read_rewards(context: Context) -> Rewards:
    now_ms = context.now_ms()
    return Rewards([reward_shown(listed, now_ms) for listed in list_rewards(context.table)])


def read_reward(context: Context, reward_id: str) -> RewardShown:
    """Return a reward, also a retired one. Raises NotFound."""
    check_known(reward_id)
    listed = load_reward(context.table, reward_id)
    if listed is None:
        raise NotFound(NO_REWARD)
    return reward_shown(listed, context.now_ms())


def reward_shown(listed: Listed, now_ms: int) -> RewardShown:
    reward = listed.reward
    return RewardShown(
        id=listed.id,
        name=reward.name,
        description=reward.description,
        cost=reward.cost,
        asset=reward.asset,
        type=reward.type,
        requires_fulfilment=reward.fulfilment,
        available=listed.is_available(now_ms),
        stock=reward.stock,
        left=listed.left,
        per_player=reward.per_player,
        available_from=None if reward.since is None else moment_name(reward.since),
        available_until=None if reward.until is None else moment_name(reward.until),
        retired=reward.retired,
    )
