"""Item kinds of rewards and redemptions."""

from __future__ import annotations

from pynamodb.attributes import BooleanAttribute, NumberAttribute, UnicodeAttribute

from chalicelib.domain.rewards.rewards import Reward
from chalicelib.store.core.codecs import Json
from chalicelib.store.core.models import Kind


class RewardItem(Kind):
    """A reward as an admin describes it. It is on the index while it is not retired."""

    version = NumberAttribute(attr_name="v")
    reward: Json[Reward] = Json(Reward)
    board = UnicodeAttribute(null=True)
    order = UnicodeAttribute(null=True)


class StockItem(Kind):
    """The stock of a limited reward: `stock` in total, `sold` of it, and the version of the reward that sets it."""

    in_parts = True

    version = NumberAttribute(attr_name="v")
    stock = NumberAttribute(null=True)
    sold = NumberAttribute()


class RedeemedItem(Kind):
    """The number of times that a player has redeemed a reward while it was limited."""

    in_parts = True

    redeemed = NumberAttribute()


class RedemptionItem(Kind):
    """One redemption and its status.

    `stocked`, `limited`: what it took from the stock and from the player's limit, and returns. `transfer`: the payment.
    `refund`: the transfer that paid it back.
    """

    in_parts = True

    account = UnicodeAttribute()
    reward = UnicodeAttribute()
    cost = NumberAttribute()
    asset = UnicodeAttribute()
    status = UnicodeAttribute()
    stocked = BooleanAttribute(null=True)
    limited = BooleanAttribute(null=True)
    transfer = UnicodeAttribute(null=True)
    refund = UnicodeAttribute(null=True)
    resolved_at = NumberAttribute(null=True)
    board = UnicodeAttribute(null=True)
    order = UnicodeAttribute(null=True)
    ruleset = UnicodeAttribute(attr_name="rv")
