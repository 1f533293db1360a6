"""Keys of rewards and redemptions: (partition key, sort key).

reward      REWARD#<reward>         REWARD | STOCK
count       REWARDS                 COUNT
redeemed    REDEEMED#<account>      <reward>
redemption  REDEMPTION#<public id>  <redemption>
"""

from __future__ import annotations

from chalicelib.store.core.keys import Key

# Partition keys begin with these; one without `#` is whole.
REWARD, REWARDS, REDEEMED, REDEMPTION = "REWARD#", "REWARDS", "REDEEMED#", "REDEMPTION#"
# A partition of the index.
REDEMPTIONS = "REDEMPTIONS#"


def reward(reward_id: str) -> Key:
    return f"{REWARD}{reward_id}", "REWARD"


def stock(reward_id: str) -> Key:
    """Return the key of a reward's stock: an item apart from the reward, which redemptions write for one write unit."""
    return f"{REWARD}{reward_id}", "STOCK"


def reward_count() -> Key:
    return REWARDS, "COUNT"


def reward_order(cost: int, reward_id: str) -> tuple[str, str]:
    """Return the place on the index of a reward that is not retired: cheapest first, then by id."""
    return REWARDS, f"{cost:013d}#{reward_id}"


def redeemed(account_id: str, reward_id: str) -> Key:
    return f"{REDEEMED}{account_id}", reward_id


def redemption(public_id: str, redemption_id: str) -> Key:
    """Return the key of a redemption, ordered by time, which the id begins with. The id contains the public id too."""
    return f"{REDEMPTION}{public_id}", redemption_id


def redemption_order(status: str, redemption_id: str) -> tuple[str, str]:
    """Return the place of a redemption on the index: among all players' redemptions of its status, by time."""
    return f"{REDEMPTIONS}{status}", redemption_id
