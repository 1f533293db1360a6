"""Tests of POST /transfer on the running stack: every row of the table of checks, in order; the first match decides."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.domain.ledger.transfer_limits import MAX_SENDS
from tests.stack.conftest import Answer, Http
from tests.stack.storm import REPLAYED

MakeKey = Callable[..., str]
FUNDS = 200
# Requests that match each row and later ones: (changes, status, code, further members).
# The spender has sent ten transfers within the minute, so that all of these are over the limit as well.
ROWS: list[tuple[dict[str, Any], int, str, dict[str, Any]]] = [
    ({"to": "spent", "amount": "0"}, 400, "invalid_request", {"parameter": "amount"}),
    ({"to": "spent", "amount": 0.5}, 400, "invalid_request", {"parameter": "amount"}),
    ({"to": "spent", "amount": True}, 400, "invalid_request", {"parameter": "amount"}),
    ({"to": "spent", "amount": None}, 400, "invalid_request", {"parameter": "amount"}),
    ({"to": "spent", "amount": 0, "note": "x" * 201}, 400, "invalid_request", {"parameter": "note"}),
    ({"to": "spent", "amount": 0, "idempotencyKey": ""}, 400, "invalid_request", {"parameter": "idempotencyKey"}),
    ({"to": "spent", "amount": 0, "idempotencyKey": "sent-0"}, 409, "idempotency_conflict", {}),
    ({"to": "spent", "amount": 0}, 400, "self_transfer", {}),
    ({"to": "nobody-at-all", "amount": 0}, 400, "amount_out_of_range", {"minimum": 1, "maximum": 10_000}),
    ({"to": "nobody-at-all", "amount": 10_001}, 400, "amount_out_of_range", {"minimum": 1, "maximum": 10_000}),
    ({"to": "nobody-at-all", "amount": 10_000}, 404, "unknown_recipient", {}),
    ({"amount": 10_000}, 429, "rate_limited", {}),
]


@pytest.fixture(scope="module")
def spender(http: Http, key: MakeKey) -> str:
    """Return the key of a player with 190 of 200 left after ten transfers just now."""
    key("payee")
    made = funded(http, key, "spent")
    for number in range(MAX_SENDS):
        assert send(http, made, f"sent-{number}").status == 200
    return made


def funded(http: Http, key: MakeKey, player: str) -> str:
    made = key(player)
    body = {"player": player, "asset": "tokens", "amount": FUNDS, "reason": "test", "idempotencyKey": player}
    assert http.ask("/api/gamification/admin/grants", key("bank", "admin"), body).status == 200
    return made


def send(http: Http, key: str, idempotency_key: str, **changes: Any) -> Answer:
    body = {"to": "payee", "amount": 1, "idempotencyKey": idempotency_key} | changes
    return http.ask("/api/gamification/transfer", key, body)


def balance(http: Http, key: str) -> int:
    return int(http.get("balance", key)["balance"])


@pytest.mark.parametrize(("changes", "status", "code", "members"), ROWS)
def test_the_first_row_that_matches_decides(
    http: Http, spender: str, changes: dict[str, Any], status: int, code: str, members: dict[str, Any]
) -> None:
    answer = send(http, spender, "refused", **changes)
    assert (answer.status, answer.json["code"]) == (status, code)
    assert answer.json.items() >= members.items()
    assert balance(http, spender) == FUNDS - MAX_SENDS
    if status == 429:
        assert 0 < int(answer.headers["Retry-After"]) <= 60


def test_a_known_key_gets_the_first_response_before_any_refusal(http: Http, spender: str) -> None:
    first, again = (send(http, spender, "sent-3") for _ in range(2))
    assert (first.status, first.text) == (again.status, again.text)
    assert first.json["transfer"].items() >= {"from": "spent", "to": "payee", "amount": 1}.items()
    assert first.json["balance"] == FUNDS - 4
    assert first.headers[REPLAYED] == again.headers[REPLAYED] == "true"


def test_a_refusal_for_lack_of_funds_is_exact_and_permanent(http: Http, key: MakeKey) -> None:
    key("payee")
    poor = funded(http, key, "poor")
    first = send(http, poor, "much", amount=500)
    assert first.status == 400
    assert first.text == (
        '{"error":"Insufficient balance.","code":"insufficient_balance","balance":200,"requested":500}'
    )
    more = {"player": "poor", "asset": "tokens", "amount": 1000, "reason": "test", "idempotencyKey": "more"}
    assert http.ask("/api/gamification/admin/grants", key("bank", "admin"), more).status == 200
    again = send(http, poor, "much", amount=500)
    assert (again.status, again.text, again.headers[REPLAYED]) == (400, first.text, "true")
    assert send(http, poor, "much-more", amount=500).json["balance"] == FUNDS + 500


def test_other_refusals_leave_the_key_free(http: Http, key: MakeKey) -> None:
    key("payee")
    payer = funded(http, key, "retrying")
    assert send(http, payer, "free", amount=0).status == 400
    assert send(http, payer, "free", to="nobody-at-all").status == 404
    made = send(http, payer, "free", note="Thanks!")
    assert made.status == 200
    transfer = made.json["transfer"]
    assert made.json == {"success": True, "transfer": transfer, "balance": FUNDS - 1}
    assert set(transfer) == {"id", "from", "to", "amount", "createdAt"}
    assert REPLAYED not in made.headers
