"""The outbox messages of a transfer."""

from __future__ import annotations

from typing import Any

from chalicelib.domain.core.outbox import Messages, domain_event, own_event


def transfer_messages(id_: str, at_ms: int, facts: dict[str, Any]) -> Messages:
    sender, recipient, amount = facts["from"], facts["to"], facts["amount"]
    return Messages(
        [
            own_event(id_, at_ms, "transfer.sent", sender, {"to": recipient, "amount": amount}),
            own_event(id_, at_ms, "transfer.received", recipient, {"from": sender, "amount": amount}),
        ],
        [domain_event(id_, at_ms, "transfer.received", recipient, transferId=id_, amount=amount)],
    )
