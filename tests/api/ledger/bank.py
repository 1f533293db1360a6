"""An admin and two players with funds, whose requests tests of the ledger send over HTTP."""

from __future__ import annotations

from typing import Any

from chalicelib.store.identity.models import AuditItem
from tests.api.conftest import Site
from tests.api.http import Answer
from tests.pipeline.plant import TABLE


class Bank:
    """Anna with 200 tokens, Bob, and an admin called root; both players have display names."""

    def __init__(self, site: Site) -> None:
        self.site, self.world = site, site.world
        self.keys = {"anna": site.key("anna"), "bob": site.key("bob"), "root": site.key("root", "admin")}
        self.made = 0
        for player in ("anna", "bob"):
            site.change_identity(player, display_name={"S": player.capitalize()})
        self.grant(200, "anna")

    def get(self, path: str, caller: str = "anna") -> Any:
        answer = self.site.get(path, self.keys[caller])
        assert answer.status == 200, answer.text
        return answer.json

    def post(self, path: str, caller: str, **body: Any) -> Answer:
        return self.site.post(path, body, self.keys[caller])

    def send(self, amount: int, caller: str = "anna", to: str = "bob", **more: Any) -> str:
        self.made += 1
        self.world.sleep(7)
        answer = self.post("/transfer", caller, to=to, amount=amount, idempotencyKey=f"t{self.made}", **more)
        assert answer.status == 200, answer.text
        return str(answer.json["transfer"]["id"])

    def try_grant(self, **changes: Any) -> Answer:
        self.world.sleep(0.002)
        body = {"player": "anna", "asset": "tokens", "amount": 100, "reason": "Fair", "idempotencyKey": "g"}
        return self.post("/admin/grants", "root", **(body | changes))

    def grant(self, amount: int, player: str = "anna", **more: Any) -> str:
        self.made += 1
        answer = self.try_grant(**{"player": player, "amount": amount, "idempotencyKey": f"n{self.made}"} | more)
        assert answer.status == 200, answer.text
        return str(answer.json["transfer"]["id"])

    def correct(self, id_: str, **more: Any) -> Answer:
        self.world.sleep(0.002)
        return self.post("/admin/corrections", "root", transferId=id_, **more)

    def balance(self, player: str, asset: str = "tokens") -> int:
        return int(self.get(f"/balance?asset={asset}", player)["balance"])

    def audit(self) -> list[AuditItem]:
        rows = self.world.dynamodb.tables[TABLE].rows
        return [AuditItem.from_raw_data(row[0]) for (pk, _), row in sorted(rows.items()) if pk.startswith("AUDIT#")]
