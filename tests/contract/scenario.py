"""The calls: each operation at least once, in an order in which all of them succeed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from chalicelib.api.registry import OPERATIONS

BY_NAME = {operation.name: operation for operation in OPERATIONS}
EVENT: dict[str, Any] = {
    "specversion": "1.0",
    "id": "01J2Z5Q8WJ3V",
    "source": "gateway/eu-1",
    "type": "request.completed",
    "data": {"provider": "openai", "model": "gpt-4o", "tokensIn": 812, "tokensOut": 164, "latencyMs": 950},
}
MUG: dict[str, Any] = {
    "name": "Coffee mug",
    "description": "With your level on it.",
    "cost": 100,
    "asset": "coins",
    "type": "goods",
    "requiresFulfilment": True,
    "stock": 25,
    "perPlayer": 5,
}


class Site(Protocol):
    """A deployment with players. An id in a call is the id that the deployment gave them."""

    def id(self, player: str) -> str:
        """Return the id of a player of the calls, and create the player."""

    def call(
        self,
        operation: str,
        caller: str = "ada",
        *,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
    ) -> Any:
        """Call an operation, which must succeed, and return its answer. `caller`: a player, "root" or "" for none."""

    def settle(self, player: str) -> None:
        """Wait until the workers have applied all events of a player."""

    def archive(self) -> None:
        """Make an archive of the board `weekly`, with a player on it."""


def play(site: Site) -> None:
    """Call every operation."""
    _earn(site)
    _progress(site)
    _boards(site)
    _ledger(site)
    _holds(site)
    _rewards(site)
    _invites(site)
    site.call("read_health", "root")
    for operation in ("read_status", "read_openapi", "read_docs"):
        site.call(operation, "")


def _earn(site: Site) -> None:
    ada, bob = site.id("ada"), site.id("bob")
    site.call("send_events", "root", body=EVENT | {"subject": ada})
    form = {"type": "request.completed", "apiKeyId": ada, "id": "req-1842", "metadata": {"model": "gpt-4o-mini"}}
    site.call("send_events", "root", body=form)
    given = {"username": bob, "points": 50, "reason": "Found a bug", "key": f"{bob}/bug-77"}
    award = {"event": "award", "distinct_id": "device-7", "properties": given}
    site.call("send_events", "root", body=[award, EVENT | {"subject": bob}])
    site.call("grant_award", "root", body={"player": ada, "points": 250, "reason": "Talk", "key": f"{ada}/talk-5"})
    site.settle("ada")
    site.settle("bob")


def _progress(site: Site) -> None:
    ada, bob = {"player": site.id("ada")}, {"player": site.id("bob")}
    site.call("read_own_profile")
    site.call("change_own_profile", body={"displayName": "Ada"})
    site.call("read_player", "bob", path=ada)
    site.call("hide", "root", path=bob)
    site.call("unhide", "root", path=bob)
    site.call("grant_badge", "root", path={"badge": "laureate"}, body=bob | {"idempotencyKey": "gala"})
    site.settle("bob")
    site.call("revoke_badge", "root", path={"badge": "laureate"}, body=bob)
    site.settle("bob")
    site.call("read_own_badges", query={"earned": True})
    site.call("read_player_badges", "bob", path=ada, query={"earned": True})
    for what in ("streak", "calendar", "log", "awards"):
        site.call(f"read_own_{what}")
        site.call(f"read_player_{what}", "bob", path=ada)


def _boards(site: Site) -> None:
    site.call("read_leaderboard", query={"scope": "weekly", "limit": 3})
    site.call("read_rank", query={"scope": "weekly"})
    site.call("follow_leaderboard", "", query={"scope": "weekly"})
    site.archive()
    site.call("show_archive", "", query={"scope": "weekly", "limit": 3})


def _ledger(site: Site) -> None:
    ada, bob = site.id("ada"), site.id("bob")
    for asset in ("coins", "tokens"):
        grant = {"player": ada, "asset": asset, "amount": 1000, "reason": "Won the hackathon"}
        site.call("grant_tokens", "root", body=grant | {"idempotencyKey": f"{ada}-{asset}"})
    sent = {"to": bob, "amount": 50, "idempotencyKey": "lunch-1842", "note": "Thanks!"}
    made = site.call("transfer_tokens", body=sent)["transfer"]["id"]
    site.call("read_transfers", query={"limit": 5})
    site.call("correct_transfer", "root", body={"transferId": made, "reason": "Sent by mistake"})
    site.call("read_balance")
    site.call("read_own_statement", query={"limit": 5})
    site.call("read_player_statement", "root", path={"player": ada}, query={"asset": "coins", "limit": 5})


def _holds(site: Site) -> None:
    holds = [
        site.call("place_hold", body={"amount": 40, "asset": "tokens", "idempotencyKey": key, "expiresIn": 86_400})
        for key in ("order-17", "order-18")
    ]
    site.call("read_holds")
    posted, void = (each["hold"]["id"] for each in holds)
    site.call("post_hold", path={"hold": posted}, body={"amount": 25})
    site.call("void_hold", path={"hold": void})


def _rewards(site: Site) -> None:
    mug = {"reward": site.id("coffee-mug")}
    site.call("put_reward", "root", path=mug, body=MUG)
    site.call("list_rewards")
    site.call("show_reward", path=mug)
    taken = [
        site.call("redeem_reward", path=mug, body={"idempotencyKey": f"mug-{number}"})["redemption"]["id"]
        for number in range(3)
    ]
    site.call("own_redemptions")
    site.call("all_redemptions", "root", query={"limit": 3})
    for operation, redemption in zip(("fulfil", "cancel"), taken, strict=False):
        site.call(f"{operation}_redemption", "root", path={"redemption": redemption})
    site.call("refund_redemption", "root", path={"redemption": taken[0]})
    site.call("retire_reward", "root", path=mug)


def _invites(site: Site) -> None:
    code = site.call("create_invite", body={"uses": 10, "days": 30})["code"]
    site.call("redeem_invite", "bob", body={"code": code})
    site.call("read_invites")
    site.call("rotate_invite", body={"code": code})
    site.call("revoke_invite", query={"code": code})
