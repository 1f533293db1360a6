"""Players' apps: they ask, wait for an answer, ask again if there is none, and sometimes for no reason at all."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import Any

from tests.economy import gate
from tests.economy.gate import Given
from tests.economy.history import History
from tests.economy.model import Request
from tests.economy.spelling import Names, spelled
from tests.pipeline.plant import Plant

PLAYERS = ("anna", "bob", "carl", "dora")
ADMIN = "boss"
REWARDS = ("cup", "trip")


@dataclass(frozen=True)
class Style:
    """A style of a run: the players' funds at first, the amounts they request, and the weights of requests.

    `devices` of each player, `admins` next to them. `faults`: beyond those of every run. `stocked`: whether rewards may
    have a stock, or a limit for each player. `hasty`: how many clients do not wait between two requests.
    """

    funds: int
    amounts: tuple[int, ...]
    mix: dict[str, int]
    admin_mix: dict[str, int] = field(default_factory=dict)
    devices: int = 2
    admins: int = 0
    faults: dict[str, float] = field(default_factory=dict)
    stocked: bool = True
    hasty: float = 0.6


SENDING = {"transfer": 20, "hold": 1, "view": 1}
STYLES = {
    "too little": Style(300, (10, 50, 90, 120), {"transfer": 8, "view": 2, "post": 1}),
    "too often": Style(5_000, (1, 2, 3), SENDING, devices=4),
    "too much": Style(250_000, (10_000, 10_000, 9_500), SENDING, devices=4),
    "held": Style(600, (50, 90, 150), {"post": 8, "void": 4, "hold": 4, "transfer": 2, "view": 2}, devices=3),
    "by admins": Style(
        300,
        (50, 90, 150),
        {"transfer": 6, "hold": 1, "post": 2},
        {"correct": 9, "grant": 1},
        devices=2,
        admins=3,
        faults={"in_progress": 0.15, "late_effect": 0.08},
    ),
    "rewards": Style(
        300,
        (50, 90),
        {"redeem": 10, "hold": 1, "view": 1},
        {"fulfil": 3, "cancel": 3, "refund": 3, "put": 2, "retire": 1, "correct": 1, "grant": 1},
        devices=2,
        admins=2,
    ),
    "retired under way": Style(
        2_000,
        (50, 90),
        {"redeem": 10},
        {"put": 5, "retire": 5},
        devices=1,
        admins=2,
        faults={"in_progress": 0.25, "late_effect": 0.1, "conflict": 0.15},
        stocked=False,
        hasty=0,
    ),
    "friends": Style(0, (1,), {"invite": 2, "accept": 9, "rotate": 1, "revoke": 1}, devices=1),
}


@dataclass
class Stage:
    """State shared by the actors of one run.

    `known`: ids from answers, by what they are of; `made`: the requests under a key.
    """

    plant: Plant
    seed: int
    style: Style
    players: list[str]
    api_keys: dict[str, str]
    history: History
    # How often an earlier request is sent again.
    repeating: float = 0.15
    names: Names = field(default_factory=Names)
    made: dict[str, list[Request]] = field(default_factory=lambda: defaultdict(list))
    known: dict[str, list[tuple[str, str]]] = field(default_factory=lambda: defaultdict(list))

    def ask(self, request: Request) -> Given:
        asked = self.history.begin(request)
        method, path, body = spelled(request, self.names)
        given = gate.send(method, path, body, self.api_keys[request.player])
        self.history.end(asked, given)
        if given.status < 300:
            self._learn(request, given.body)
        return given

    def _learn(self, request: Request, body: dict[str, Any]) -> None:
        me = request.player
        if request.what in ("hold", "transfer", "grant"):
            kind = "hold" if request.what == "hold" else "transfer"
            self.known[kind].append((me, body[kind]["id"]))
        elif request.what == "redeem":
            self.known["redemption"].append((me, body["redemption"]["id"]))
        elif request.what in ("invite", "rotate"):
            self.known["code"].append((me, body["code"]))
            self.known["invite"] += [(me, body["code"]), (me, body["token"])]


def reward(rng: random.Random, *, stocked: bool = True) -> dict[str, Any]:
    stock, per_player = rng.choice((None, 1, 2, 3)), rng.choice((None, None, 1, 2))
    return {
        "name": "A thing",
        "description": "A thing to have.",
        "type": "thing",
        "asset": "coins",
        "cost": rng.choice((60, 90)),
        "requiresFulfilment": rng.random() < 0.5,
        "stock": stock if stocked else None,
        "perPlayer": per_player if stocked else None,
    }


class Client:
    """One device of a player: it wants `left` things, one after the other."""

    def __init__(self, stage: Stage, number: int, player: str, left: int) -> None:
        self.stage, self.player, self.left = stage, player, left
        self.rng = random.Random(f"{stage.seed} client {number}")
        self.name = f"client-{number}"
        self.hasty = player == ADMIN or self.rng.random() < stage.style.hasty
        self.pending: Request | None = None

    def work(self) -> None:
        """Send requests until all are answered, or the server dies; then continue with the requests that it sent."""
        while self.left:
            self.pending = self.pending or self._next()
            given = self.stage.ask(self.pending)
            patient = self.rng.random() < 0.9
            if given.status >= 500 and patient:
                self._wait(self.rng.uniform(0.1, 3))
                continue
            if given.status == 429 and patient:
                self._wait(min(int(given.retry_after), self.rng.choice((1, 100, 100_000))))
            else:
                self.pending = None
                self.left -= 1
            if not self.hasty:
                self._wait(self.rng.expovariate(1 / 8))

    def _wait(self, seconds: float) -> None:
        self.stage.plant.world.sleep(seconds)

    def first(self) -> Request:
        """Return a request that makes something for all clients, before they begin."""
        mix = self.stage.style.mix
        what = next(each for each in ("redeem", "invite", "hold", "transfer") if each in mix)
        return self._made(getattr(self, f"_{what}")(what))

    def _next(self) -> Request:
        rng, made = self.rng, self.stage.made[self.player]
        if made and rng.random() < self.stage.repeating:
            request = rng.choice(made[-4:])
            return _changed(request) if rng.random() < 0.3 else request
        mix = self.stage.style.admin_mix if self.player == ADMIN else self.stage.style.mix
        what = rng.choices(list(mix), list(mix.values()))[0]
        return self._made(getattr(self, f"_{what}", self._about_known)(what))

    def _made(self, request: Request) -> Request:
        if request.key:
            self.stage.made[self.player].append(request)
        return request

    # with a key

    def _keyed(self, what: str, members: dict[str, Any], about: str = "") -> Request:
        return Request(what, self.player, members, f"key-{len(self.stage.made[self.player])}", about)

    def _transfer(self, what: str) -> Request:
        rng = self.rng
        others = [each for each in self.stage.players if each != self.player]
        to = rng.choices((rng.choice(others), self.player, "nobody"), (30, 1, 1))[0]
        amount = rng.choices((rng.choice(self.stage.style.amounts), 0, 10_001), (30, 1, 1))[0]
        return self._keyed(what, {"to": to, "amount": amount, "note": rng.choice((None, "Thanks!"))})

    def _hold(self, what: str) -> Request:
        asset = self.rng.choice(("tokens", "tokens", "coins"))
        expires = self.rng.choice((1, 5, 20, 60, 3_600))
        return self._keyed(
            what, {"asset": asset, "amount": self.rng.choice(self.stage.style.amounts), "expiresIn": expires}
        )

    def _grant(self, what: str) -> Request:
        to, amount = self.rng.choice(self.stage.players), self.rng.choice((-90, -90, 50, 10**12))
        asset = self.rng.choice(("tokens", "coins"))
        return self._keyed(what, {"player": to, "asset": asset, "amount": amount, "reason": "Because."})

    def _redeem(self, what: str) -> Request:
        return self._keyed(what, {}, self.rng.choice(REWARDS))

    # safe to repeat without one

    def _view(self, what: str) -> Request:
        return Request(what, self.player, {"asset": self.rng.choice(("tokens", "coins"))})

    def _put(self, what: str) -> Request:
        offered = reward(self.rng, stocked=self.stage.style.stocked)
        return Request(what, self.player, offered, about=self.rng.choice(REWARDS))

    def _retire(self, what: str) -> Request:
        return Request(what, self.player, about=self.rng.choice(REWARDS))

    def _invite(self, what: str) -> Request:
        return Request(what, self.player, {"uses": self.rng.choice((1, 2)), "days": self.rng.choice((1, 30))})

    def _about_known(self, what: str) -> Request:
        """Return a request about an id from an answer: one's own, but for invites, and for admins."""
        kinds = {"post": "hold", "void": "hold", "correct": "transfer", "rotate": "code", "revoke": "code"}
        kind = kinds.get(what, "invite" if what == "accept" else "redemption")
        known = self.stage.known[kind]
        if kind in ("hold", "code"):
            known = [each for each in known if each[0] == self.player]
        if not known:
            return self._invite("invite") if kind in ("invite", "code") else self._view("view")
        # Mostly all want the same at once.
        about = self.rng.choice(known[-1:] if self.rng.random() < 0.6 else known[-4:])[1]
        if what == "accept" and self.rng.random() < 0.1:
            about = "2222-2222"
        members = {"amount": self.rng.choice((None, None, 1))} if what == "post" else {}
        return Request(what, self.player, members, about=about)


def _changed(request: Request) -> Request:
    """Return another request under the same key."""
    if "amount" not in request.members:
        return replace(request, about=next(each for each in REWARDS if each != request.about))
    return replace(request, members={**request.members, "amount": request.members["amount"] + 1})
