"""Rewards and redemptions: conditions of a redemption, and transitions of its status."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import msgspec

from chalicelib.domain.core.errors import ConflictingState, NotFound

# One query and four batch reads list them all.
MAX_REWARDS = 200
# The bound of every other input.
MAX_COST = 10**12
MAX_STOCK = 10**9
MAX_PER_PLAYER = 1000
# Rewards are listed together, so each stays well under 4 KB, the unit of a read.
MAX_NAME, MAX_DESCRIPTION, MAX_TYPE = 60, 500, 32

REWARD_ID = r"(?=.{1,48}\Z)[a-z0-9]+(-[a-z0-9]+)*"

NO_REWARD = "There is no such reward."
PENDING, COMPLETED, FULFILLED, CANCELLED, REFUNDED = STATUSES = (
    "pending",
    "completed",
    "fulfilled",
    "cancelled",
    "refunded",
)
Resolution = Literal["fulfil", "cancel", "refund"]
# Decision of an admin -> (statuses that allow it, status that it leads to).
RESOLUTIONS: dict[Resolution, tuple[tuple[str, ...], str]] = {
    "fulfil": ((PENDING,), FULFILLED),
    "cancel": ((PENDING,), CANCELLED),
    "refund": ((COMPLETED, FULFILLED), REFUNDED),
}


class Reward(msgspec.Struct, frozen=True, omit_defaults=True):
    """A reward of the catalogue.

    `stock`: how many exist in all, including redeemed ones; None: no limit. `since` (inclusive) and `until` (exclusive)
    in ms.
    """

    name: str
    description: str
    cost: int
    asset: str
    type: str
    fulfilment: bool = False
    stock: int | None = None
    per_player: int | None = None
    since: int | None = None
    until: int | None = None
    retired: bool = False

    def is_open(self, now_ms: int) -> bool:
        """Return whether the catalogue allows redemptions at this moment."""
        begun = self.since is None or self.since <= now_ms
        return begun and not self.retired and (self.until is None or now_ms < self.until)


@dataclass(frozen=True, slots=True)
class Listed:
    """A reward of the catalogue with its counts.

    `version`: number of its changes. `sold`: how many of a limited stock are sold.
    """

    id: str
    reward: Reward
    version: int
    sold: int = 0

    @property
    def left(self) -> int | None:
        return None if self.reward.stock is None else max(0, self.reward.stock - self.sold)

    def is_available(self, now_ms: int) -> bool:
        return self.reward.is_open(now_ms) and self.left != 0


def check_known(reward_id: str) -> None:
    """Check that a text can be a reward's id: it may be longer than any key. Raises NotFound."""
    if not re.fullmatch(REWARD_ID, reward_id):
        raise NotFound(NO_REWARD)


def check_redeemable(listed: Listed | None, redeemed: int, assets: tuple[str, ...], now_ms: int) -> Listed:
    """Return the reward if a player who redeemed it `redeemed` times may redeem it now. Balances are not checked.

    Raises NotFound, ConflictingState (`not_available`, `limit_reached`, `out_of_stock`), in this order.
    """
    if listed is None:
        raise NotFound(NO_REWARD)
    reward = listed.reward
    if not reward.is_open(now_ms) or reward.asset not in assets:
        raise ConflictingState("This reward is not available now.", code="not_available")
    if reward.per_player is not None and redeemed >= reward.per_player:
        times = "time" if reward.per_player == 1 else "times"
        sentence = f"A player may redeem this reward at most {reward.per_player} {times}."
        raise ConflictingState(sentence, code="limit_reached", maximum=reward.per_player)
    if listed.left == 0:
        raise ConflictingState("This reward is out of stock.", code="out_of_stock")
    return listed


def status_after(status: str, resolution: Resolution) -> str | None:
    """Return the status that a resolution leads to; None if the redemption already has it.

    Raises ConflictingState (`redemption_pending`, `redemption_resolved`).
    """
    before, after = RESOLUTIONS[resolution]
    if status == after:
        return None
    if status in before:
        return after
    if status == PENDING:
        raise ConflictingState(
            "This redemption is pending; cancel it instead.", code="redemption_pending", status=status
        )
    raise ConflictingState(f"This redemption is {status}.", code="redemption_resolved", status=status)
