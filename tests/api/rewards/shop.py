"""A site with a catalogue of rewards, an admin, and a player who has coins."""

from __future__ import annotations

from typing import Any

from tests.api.conftest import BASE, Site
from tests.api.http import Answer

REPLAYED = "Idempotency-Replayed"
MUG: dict[str, Any] = {
    "name": "Coffee mug",
    "description": "With your level on it.",
    "cost": 300,
    "asset": "coins",
    "type": "goods",
}


class Shop:
    """A site with an admin, and anna, who has 1,000 coins."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.admin = site.key("root", "admin")
        self.anna = site.key("anna")
        site.fund("anna", 1000, "coins")

    def put(self, reward: str = "mug", **changes: Any) -> Answer:
        body = MUG | changes
        return self.site.request("PUT", f"{BASE}/admin/rewards/{reward}", key=self.admin, body=body)

    def retire(self, reward: str = "mug") -> Answer:
        return self.site.request("DELETE", f"{BASE}/admin/rewards/{reward}", key=self.admin)

    def show(self, reward: str = "mug") -> Any:
        return self.site.get(f"/rewards/{reward}", self.anna).json

    def redeem(self, reward: str = "mug", idempotency_key: str = "k1", key: str = "") -> Answer:
        return self.site.post(f"/rewards/{reward}/redeem", {"idempotencyKey": idempotency_key}, key or self.anna)

    def resolve(self, redemption: str, resolution: str) -> Answer:
        return self.site.request("POST", f"{BASE}/admin/redemptions/{redemption}/{resolution}", key=self.admin)

    def account(self, player: str = "anna") -> tuple[int, int]:
        """Return (balance, available)."""
        item = self.site.context.table.get((f"ACCOUNT#{self.site.context.owners[player].account}#coins", "BALANCE"))
        assert item
        return int(item["balance"]["N"]), int(item["available"]["N"])

    def rows(self, prefix: str) -> list[Any]:
        table = self.site.world.dynamodb.tables["laurel-sim"]
        return [row[0] for (pk, _), row in table.rows.items() if pk.startswith(prefix)]

    def domain_events(self) -> list[str]:
        return [each.detail_type for each in self.site.world.events.published]
