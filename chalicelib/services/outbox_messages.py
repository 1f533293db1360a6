"""Messages of any outbox record, by its kind."""

from __future__ import annotations

from typing import Any

from chalicelib.domain.core.outbox import Kind, Messages
from chalicelib.domain.invites.outbox_messages import referral_messages
from chalicelib.domain.ledger.outbox_messages import transfer_messages
from chalicelib.domain.rewards.outbox_messages import CANCELLED, FULFILLED, REDEEMED, REFUNDED, reward_messages


def messages_of(id_: str, at_ms: int, kind: str, facts: dict[str, Any]) -> Messages:
    """Return the messages of an outbox record."""
    return KINDS[kind](id_, at_ms, facts)


KINDS: dict[str, Kind] = {
    "transfer": transfer_messages,
    "referral": referral_messages,
    **{type_: reward_messages(type_) for type_ in (REDEEMED, FULFILLED, CANCELLED, REFUNDED)},
}
