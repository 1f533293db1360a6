"""Keys of rewards and redemptions: (partition key, sort key).

reward      REWARD#<reward>         REWARD | STOCK
count       REWARDS                 COUNT
redeemed    REDEEMED#<account>      <reward>
redemption  REDEMPTION#<public id>  <redemption>
"""

from __future__ import annotations

from chalicelib.store.core.keys import Key


def reward(reward_id: str) -> Key:
    return f"REWARD#{reward_id}", "REWARD"


def stock(reward_id: str) -> Key:
    """Apart from the reward: redemptions write it, in one unit of a write."""
    return f"REWARD#{reward_id}", "STOCK"


def reward_count() -> Key:
    return "REWARDS", "COUNT"


def reward_order(cost: int, reward_id: str) -> tuple[str, str]:
    """Where the index has a reward that is not retired: cheapest first, then by id."""
    return "REWARDS", f"{cost:013d}#{reward_id}"


def redeemed(account_id: str, reward_id: str) -> Key:
    return f"REDEEMED#{account_id}", reward_id


def redemption(public_id: str, redemption_id: str) -> Key:
    """By time, which the id begins with. The id tells the public id too."""
    return f"REDEMPTION#{public_id}", redemption_id


def redemption_order(status: str, redemption_id: str) -> tuple[str, str]:
    """Where the index has a redemption, among all players' with its status, by time."""
    return f"REDEMPTIONS#{status}", redemption_id
