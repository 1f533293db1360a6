"""Examples of the types of transfers, accounts and holds, by schema name."""

from __future__ import annotations

from typing import Any

_TRANSFER = {
    "id": "019e3fb6c0e4f0c2ab19d3e5f608a41c0d2e7",
    "from": "anna@example.org",
    "to": "bob",
    "amount": 50,
    "createdAt": "2026-05-19T12:00:00.000Z",
}
_MADE = {"id": "019e3fb7ab44f0c2ab19d3e5f60813f09bd41", "createdAt": "2026-05-19T12:01:00.100Z"}
_GRANT = {"player": "anna@example.org", "asset": "tokens", "amount": 100, "reason": "Won the hackathon"}
_LINE = _MADE | {"kind": "grant", "amount": 100, "other": "@mint", "balanceAfter": 250, "reason": "Won the hackathon"}
_CORRECTION = _MADE | {
    "corrects": _TRANSFER["id"],
    "asset": "tokens",
    "from": "bob",
    "to": "anna@example.org",
    "amount": 50,
    "reason": "Sent by mistake",
}
_HOLD = {
    "id": "019e3fb6c0e4f0c2ab19d3e5f608a41c0d2e7",
    "asset": "tokens",
    "amount": 40,
    "status": "open",
    "createdAt": "2026-05-19T12:00:00.000Z",
    "expiresAt": "2026-05-20T12:00:00.000Z",
}

EXAMPLES: dict[str, Any] = {
    "TransferRequest": {"to": "bob", "amount": 50, "idempotencyKey": "lunch-1842", "note": "Thanks!"},
    "TransferShown": _TRANSFER,
    "TransferMade": {"success": True, "transfer": _TRANSFER, "balance": 150},
    "TransferView": _TRANSFER | {"direction": "sent", "note": "Thanks!"},
    "TransferList": {"transfers": [_TRANSFER | {"direction": "sent", "note": "Thanks!"}], "cursor": None},
    "Balance": {"asset": "tokens", "balance": 150, "held": 20, "available": 130},
    "StatementLine": _LINE,
    "Statement": {"asset": "tokens", "postings": [_LINE], "cursor": None},
    "GrantRequest": _GRANT | {"idempotencyKey": "hackathon-anna"},
    "GrantShown": _GRANT | _MADE,
    "GrantMade": {"success": True, "transfer": _GRANT | _MADE, "balance": 250},
    "CorrectionRequest": {"transferId": "019e3fb6c0e4f0c2ab19d3e5f608a41c0d2e7", "reason": "Sent by mistake"},
    "CorrectionShown": _CORRECTION,
    "CorrectionMade": {"success": True, "transfer": _CORRECTION},
    "HoldRequest": {"amount": 40, "asset": "tokens", "idempotencyKey": "order-17", "expiresIn": 86400},
    "HoldShown": _HOLD,
    "HoldPlaced": {"success": True, "hold": _HOLD, "balance": 200, "available": 160},
    "PostRequest": {"amount": 25},
    "HoldResolved": {
        "success": True,
        "hold": _HOLD
        | {
            "status": "posted",
            "posted": 25,
            "transferId": "019e3fb72ab8f0c2ab19d3e5f608a4b41d09c",
            "resolvedAt": "2026-05-19T12:00:30.000Z",
        },
    },
    "Holds": {"holds": [_HOLD], "cursor": None},
}
