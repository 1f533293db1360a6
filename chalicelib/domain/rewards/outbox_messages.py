"""The outbox messages of a redemption."""

from __future__ import annotations

from typing import Any

from chalicelib.domain.core.outbox import Kind, Messages, domain_event


def reward_messages(type_: str) -> Kind:
    def messages(id_: str, at_ms: int, facts: dict[str, Any]) -> Messages:
        price = {name: facts[name] for name in ("cost", "asset", "status")}
        about = {"redemptionId": facts["redemption"], "rewardId": facts["reward"]}
        return Messages(domain_events=[domain_event(id_, at_ms, type_, facts["player"], **about, **price)])

    return messages


REDEEMED, FULFILLED, CANCELLED, REFUNDED = "reward.redeemed", "reward.fulfilled", "reward.cancelled", "reward.refunded"
