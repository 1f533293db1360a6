"""The model's invites, and so the whole economy."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from tests.economy.model import DAY, MINUTE, Answer, Change, Id, Request, kept_until, refused
from tests.economy.model_rewards import Rewards

MOST_FAILED = 10


@dataclass(frozen=True)
class Invite:
    code: Id
    token: Id
    player: str
    uses: int
    expires: int
    used: int = 0


class Economy(Rewards):
    """Attempts that fail are counted, if it is `alone`: where answers get lost, their number is unknown."""

    def __init__(self, players: list[str], *, alone: bool = True) -> None:
        super().__init__(players, alone=alone)
        self.invites: dict[Id, Invite] = {}
        self.referrers: dict[frozenset[str], str] = {}
        self.failed: dict[tuple[str, int], int] = {}

    def invite(self, request: Request, now: int) -> tuple[Answer, Change | None]:
        uses, days = request.members["uses"], request.members["days"]
        made = Invite(Id(self.made, "code"), Id(self.made, "token"), request.player, uses, now + days * DAY)
        return Answer(201, _shown(made)), lambda: self._set(made)

    def rotate(self, request: Request, now: int) -> tuple[Answer, Change | None]:
        found = self._kept(request.about, now)
        if found is None or found.player != request.player:
            return refused(404, "unknown_invite")
        gone = _gone(found, now)
        if gone:
            return refused(410, gone)
        after = replace(found, token=Id(self.made, "token"))
        return Answer(200, _shown(after)), lambda: self._set(after)

    def revoke(self, request: Request, now: int) -> tuple[Answer, Change | None]:
        found = self._kept(request.about, now)
        if found is None or found.player != request.player:
            return refused(404, "unknown_invite")
        return Answer(200, {"success": True, "code": found.code}), lambda: self._drop(found)

    def accept(self, request: Request, now: int) -> tuple[Answer, Change | None]:
        """Redeem an invite; `about` is a code's id or a token's."""
        minute = request.player, now // MINUTE
        if self.failed.get(minute, 0) >= MOST_FAILED:
            return refused(429, "rate_limited")
        me, found = request.player, self._kept(request.about, now)
        refusal = self._refusal(me, found, now)
        if found is None or refusal:
            status, code = refusal

            def count() -> None:
                self.failed[minute] = self.failed.get(minute, 0) + 1

            return Answer(status, {"code": code}), count if self.alone else None

        def change() -> None:
            self.referrers[frozenset((me, found.player))] = found.player
            self._set(replace(found, used=found.used + 1))

        return Answer(200, {"success": True, "referral": {"code": found.code}}), change

    def _refusal(self, me: str, found: Invite | None, now: int) -> tuple[int, str] | tuple[()]:
        if found is None:
            return 404, "unknown_invite"
        if found.player == me:
            return 400, "own_invite"
        referrer = self.referrers.get(frozenset((me, found.player)))
        if referrer:
            return 409, "already_redeemed" if referrer == found.player else "referral_cycle"
        gone = _gone(found, now)
        return (410, gone) if gone else ()

    def _kept(self, about: Any, now: int) -> Invite | None:
        found = next((each for each in self.invites.values() if about in (each.code, each.token)), None)
        return found if found and now < kept_until(found.expires, 365) else None

    def _set(self, invite: Invite) -> None:
        self.made += 1
        self.invites[invite.code] = invite

    def _drop(self, invite: Invite) -> None:
        del self.invites[invite.code]

    def turning_points(self) -> list[int]:
        return super().turning_points() + [invite.expires for invite in self.invites.values()]


def _gone(invite: Invite, now: int) -> str:
    if invite.expires <= now:
        return "invite_expired"
    return "" if invite.used < invite.uses else "invite_used_up"


def _shown(invite: Invite) -> dict[str, Any]:
    return {"code": invite.code, "token": invite.token, "uses": invite.uses, "used": invite.used}
