"""Conditions for redeeming a reward, and decisions by the status of a redemption."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import pytest

from chalicelib.domain.core.errors import ConflictingState, LaurelError
from chalicelib.domain.rewards.rewards import RESOLUTIONS, STATUSES, Listed, Reward, check_redeemable, status_after
from chalicelib.services.outbox_messages import KINDS, messages_of

NOW = 1_779_192_000_000


def listed(sold: int = 0, **changes: Any) -> Listed:
    return Listed(
        "mug",
        Reward(**({"name": "Mug", "description": "A mug.", "cost": 5, "asset": "coins", "type": "goods"} | changes)),
        1,
        sold,
    )


@pytest.mark.parametrize(
    ("since", "until", "is_open"),
    [(None, None, True), (NOW, None, True), (NOW + 1, None, False), (None, NOW, False), (None, NOW + 1, True)],
)
def test_a_reward_is_available_from_its_first_moment_until_before_its_last(
    since: int | None, until: int | None, is_open: bool
) -> None:
    assert listed(since=since, until=until).is_available(NOW) == is_open
    assert not listed(since=since, until=until, retired=True).is_available(NOW)


@pytest.mark.parametrize(("stock", "sold", "left"), [(None, 3, None), (3, 0, 3), (3, 3, 0), (2, 3, 0), (0, 0, 0)])
def test_the_stock_left(stock: int | None, sold: int, left: int | None) -> None:
    assert listed(sold, stock=stock).left == left
    assert listed(sold, stock=stock).is_available(NOW) == (left != 0)


@pytest.mark.parametrize(
    ("reward", "redeemed", "assets", "code"),
    [
        (None, 0, ("coins",), "not_found"),
        (listed(1, retired=True, per_player=1, stock=1), 1, ("coins",), "not_available"),
        (listed(1, per_player=1, stock=1), 1, ("tokens",), "not_available"),
        (listed(1, per_player=1, stock=1), 1, ("coins",), "limit_reached"),
        (listed(1, per_player=2, stock=1), 1, ("coins",), "out_of_stock"),
        (listed(1, per_player=2, stock=2), 1, ("coins",), ""),
    ],
)
def test_refusals_in_their_order(reward: Listed | None, redeemed: int, assets: tuple[str, ...], code: str) -> None:
    with pytest.raises(LaurelError) if code else nullcontext() as refusal:
        assert check_redeemable(reward, redeemed, assets, NOW) is reward
    assert not code or (refusal.value.code, refusal.value.remembered) == (code, False)


AFTER = {
    ("pending", "fulfil"): "fulfilled",
    ("pending", "cancel"): "cancelled",
    ("pending", "refund"): "redemption_pending",
    ("completed", "refund"): "refunded",
    ("fulfilled", "refund"): "refunded",
    ("fulfilled", "fulfil"): None,
    ("cancelled", "cancel"): None,
    ("refunded", "refund"): None,
}


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("resolution", list(RESOLUTIONS))
def test_each_status_allows_its_decisions(status: str, resolution: Any) -> None:
    found: str | None
    try:
        found = status_after(status, resolution)
    except ConflictingState as refusal:
        found = refusal.code
    assert found == AFTER.get((status, resolution), "redemption_resolved")


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.startswith("reward.")])
def test_a_redemption_publishes_one_domain_event(kind: str) -> None:
    facts = {"player": "ada", "redemption": "r1", "reward": "mug", "cost": 5, "asset": "coins", "status": "pending"}
    messages, again = (messages_of("r1", NOW, kind, facts) for _ in range(2))
    assert messages == again
    (domain_event,) = messages.domain_events
    assert not messages.events
    assert domain_event.body() == {
        "id": domain_event.id,
        "version": 1,
        "userId": "ada",
        "time": "2026-05-19T12:00:00.000Z",
        "redemptionId": "r1",
        "rewardId": "mug",
        "cost": 5,
        "asset": "coins",
        "status": "pending",
    }
