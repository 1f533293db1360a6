"""The model's catalogue of rewards, and what is redeemed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from tests.economy.model import REWARDS, Answer, Change, Hold, Id, Ledger, Request, refused

# What an admin does to a redemption -> what it was before, and is then.
RESOLUTIONS = {
    "fulfil": (("pending",), "fulfilled"),
    "cancel": (("pending",), "cancelled"),
    "refund": (("completed", "fulfilled"), "refunded"),
}


@dataclass(frozen=True)
class Redemption:
    """`counted`: against which limits it was redeemed. `paid_by`: the transfer."""

    id: Id
    player: str
    reward: str
    cost: int
    asset: str
    status: str
    counted: tuple[str, ...] = ()
    paid_by: Id | None = None


class Rewards(Ledger):
    """Rewards are as their request had them. `alone`: no player redeems one while it is changed."""

    def __init__(self, players: list[str], *, alone: bool = True) -> None:
        super().__init__(players)
        self.alone = alone
        self.rewards: dict[str, dict[str, Any]] = {}
        self.redemptions: dict[Id, Redemption] = {}

    def taken(self, reward: str, limit: str, player: str = "") -> int:
        """Return the number of redemptions that count against a limit, those of a player or all."""
        return sum(
            each.reward == reward and limit in each.counted and each.status not in ("cancelled", "refunded")
            for each in self.redemptions.values()
            if not player or each.player == player
        )

    def put(self, request: Request, now: int) -> tuple[Answer, Change | None]:
        """Create the reward, change it, or bring it back, by an admin."""
        after = dict(request.members)
        return self._catalogue(request.about, after, now)

    def retire(self, request: Request, now: int) -> tuple[Answer, Change | None]:
        before = self.rewards.get(request.about)
        if before is None:
            return refused(404, "not_found")
        return self._catalogue(request.about, before | {"retired": True}, now)

    def _catalogue(self, id_: str, after: dict[str, Any], now: int) -> tuple[Answer, Change | None]:
        shown = {name: value for name, value in after.items() if value is not None}
        left = {}
        if self.alone and after["stock"] is not None:
            left = {"left": max(0, after["stock"] - self.taken(id_, "stock"))}
        answer = Answer(200, shown | left | {"id": id_})
        if self.rewards.get(id_) == after:
            return answer, None

        def change() -> None:
            self.rewards[id_] = after

        return answer, change

    def redeem(self, request: Request, now: int) -> tuple[Answer, Change | None]:
        me, id_ = request.player, request.about
        reward = self.rewards.get(id_)
        if reward is None:
            return refused(404, "not_found")
        if reward.get("retired"):
            return refused(409, "not_available")
        if reward["perPlayer"] is not None and self.taken(id_, "perPlayer", me) >= reward["perPlayer"]:
            return refused(409, "limit_reached")
        if reward["stock"] is not None and self.taken(id_, "stock") >= reward["stock"]:
            return refused(409, "out_of_stock")
        asset, cost, held = reward["asset"], reward["cost"], reward["requiresFulfilment"]
        if self.available(me, asset, now) < cost:
            return self.lacking(me, asset, cost)
        made = Redemption(
            id=self.new_id(),
            player=me,
            reward=id_,
            cost=cost,
            asset=asset,
            status="pending" if held else "completed",
            counted=tuple(limit for limit in ("stock", "perPlayer") if reward[limit] is not None),
            paid_by=None if held else self.new_id(),
        )

        def change() -> None:
            self.redemptions[made.id] = made
            if held:
                self.place(Hold(made.id, me, asset, cost, None))
            else:
                self.move(made.id, asset, me, REWARDS, cost, now, "redemption")

        balance = self.balance(me, asset) - (0 if held else cost)
        return Answer(200, {"success": True, "redemption": shown_of(made), "balance": balance}), change

    def fulfil(self, request: Request, now: int) -> tuple[Answer, Change | None]:
        return self._decide(request, now)

    def cancel(self, request: Request, now: int) -> tuple[Answer, Change | None]:
        return self._decide(request, now)

    def refund(self, request: Request, now: int) -> tuple[Answer, Change | None]:
        return self._decide(request, now)

    def _decide(self, request: Request, now: int) -> tuple[Answer, Change | None]:
        """Resolve a redemption, by an admin."""
        made = self.redemptions.get(request.about)
        if made is None:
            return refused(404, "not_found")
        before, status = RESOLUTIONS[request.what]
        after = replace(made, status=status, paid_by=self.new_id() if status == "fulfilled" else made.paid_by)
        answer = Answer(200, {"success": True, "redemption": shown_of(after)})
        if made.status == status:
            return replace(answer, replayed=True), None
        if made.status not in before:
            return refused(409, "redemption_pending" if made.status == "pending" else "redemption_resolved")
        if status == "refunded" and made.paid_by in self.corrections:
            return refused(409, "already_corrected")

        def change() -> None:
            self.redemptions[made.id] = after
            if status == "refunded":
                assert made.paid_by
                self.corrections[made.paid_by] = Answer(200, {"success": True, "transfer": {"id": self.new_id()}})
                self.move(self.new_id(), made.asset, REWARDS, made.player, made.cost, now, "refund")
            else:
                hold = self.holds[made.id]
                amount = made.cost if status == "fulfilled" else 0
                self.resolve(hold, "posted" if amount else "void", amount, REWARDS, now)

        return answer, change


def shown_of(made: Redemption) -> dict[str, Any]:
    return {"id": made.id, "rewardId": made.reward, "cost": made.cost, "asset": made.asset, "status": made.status}
