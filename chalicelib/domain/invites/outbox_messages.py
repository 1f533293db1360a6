"""The outbox messages of a redeemed invite."""

from __future__ import annotations

from typing import Any

from chalicelib.domain.core.outbox import Messages, domain_event, own_event


def referral_messages(id_: str, at_ms: int, facts: dict[str, Any]) -> Messages:
    referrer = facts["referrer"]
    return Messages(
        [own_event(id_, at_ms, "referral.redeemed", referrer, {})],
        [domain_event(id_, at_ms, "invite.redeemed", referrer, referralId=id_, by=facts["player"])],
    )
