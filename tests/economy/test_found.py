"""Bugs that the simulation found, without it."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

from chalicelib.services.rewards import resolve_redemption
from tests.api.conftest import Site, site
from tests.economy import gate

__all__ = ["site"]


def test_a_refund_during_another_is_a_refund(site: Site) -> None:
    """Test a second refund that read the redemption before the first one took its payment back."""
    anna, boss = site.key("anna"), site.key("boss", "admin")
    site.fund("anna", 100, "coins")
    offered = {"name": "A", "description": "A", "type": "a", "asset": "coins", "cost": 60}
    assert gate.send("PUT", "/admin/rewards/cup", offered, boss).status == 200
    redeemed = gate.send("POST", "/rewards/cup/redeem", {"idempotencyKey": "k"}, anna).body["redemption"]["id"]
    path, real, answers = f"/admin/redemptions/{redeemed}/refund", resolve_redemption._add_refund, list[Any]()

    def after_another(*given: Any) -> Any:
        with patch.object(resolve_redemption, "_add_refund", real):
            answers.append(gate.send("POST", path, None, boss))
        return real(*given)

    with patch.object(resolve_redemption, "_add_refund", after_another):
        second = gate.send("POST", path, None, boss)
    assert (answers[0].status, answers[0].replayed) == (200, False)
    assert (second.status, second.replayed) == (200, True)
    assert second.body == answers[0].body
