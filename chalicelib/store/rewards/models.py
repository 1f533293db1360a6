"""Item kinds of rewards and redemptions, beside those in `models`."""

from __future__ import annotations

from pynamodb.attributes import BooleanAttribute, NumberAttribute, UnicodeAttribute

from chalicelib.domain.rewards.rewards import Reward
from chalicelib.store.core.codecs import Json
from chalicelib.store.core.models import Kind


class RewardItem(Kind):
    """A reward as an admin describes it; on the index while it is not retired."""

    version = NumberAttribute(attr_name="v")
    reward: Json[Reward] = Json(Reward)
    board = UnicodeAttribute(null=True)
    order = UnicodeAttribute(null=True)


class StockItem(Kind):
    """Of a limited reward: `stock` in all, `sold` of them, the version of the reward that says so."""

    version = NumberAttribute(attr_name="v")
    stock = NumberAttribute(null=True)
    sold = NumberAttribute()


class RedeemedItem(Kind):
    """How often a player has had a reward while it was limited."""

    redeemed = NumberAttribute()


class RedemptionItem(Kind):
    """What became of one redemption. `stocked`, `limited`: what it took of stock and of the player's number, and gives
    back. `transfer`: what paid for it; `refund`: what paid it back."""

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
