"""Players' apps: they ask, wait for an answer, ask again if there is none, and sometimes for no reason at all."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace

from tests.economy import gate
from tests.economy.gate import Given
from tests.economy.history import History
from tests.economy.model import Request
from tests.economy.spelling import Names, spelled
from tests.pipeline.plant import Plant

NAMES = ("anna", "bob", "carl", "dora")
# What players have at first, and how much of it they mean to send at once: some have too little, the others are
# stopped by how often, and by how much a day, anybody may send.
STYLES = {
    "poor": (300, (10, 50, 90, 120)),
    "busy": (5_000, (1, 2, 3)),
    "rich": (250_000, (10_000, 10_000, 9_500)),
}


@dataclass
class Stage:
    """What the actors of one run share. `known`: ids of things that answers told, by kind and player."""

    plant: Plant
    seed: int
    style: str
    players: list[str]
    api_keys: dict[str, str]
    history: History
    names: Names = field(default_factory=Names)
    numbers: Counter[str] = field(default_factory=Counter)
    known: dict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))

    def request(self, player: str, number: int) -> Request:
        """What a player wants done under their key of this number: always the same."""
        rng = random.Random(f"{self.seed} {player} {number}")
        what = rng.choices(("transfer", "hold"), (3, 2) if self.style == "poor" else (12, 1))[0]
        return getattr(self, f"_{what}")(player, f"key-{number}", rng)  # type: ignore[no-any-return]

    def _transfer(self, player: str, key: str, rng: random.Random) -> Request:
        others = [each for each in self.players if each != player]
        to = rng.choices((rng.choice(others), player, "nobody"), (30, 1, 1))[0]
        amount = rng.choices((rng.choice(STYLES[self.style][1]), 0, 10_001), (30, 1, 1))[0]
        return Request("transfer", player, {"to": to, "amount": amount, "note": rng.choice((None, "Thanks!"))}, key)

    def _hold(self, player: str, key: str, rng: random.Random) -> Request:
        members = {
            "asset": rng.choice(("tokens", "tokens", "coins")),
            "amount": rng.choice(STYLES[self.style][1]) * rng.choice((1, 1, 3)),
            "expiresIn": rng.choice((1, 5, 20, 60, 3_600)),
        }
        return Request("hold", player, members, key)

    def keyless(self, player: str, rng: random.Random) -> Request:
        """What is safe to repeat without a key."""
        holds = self.known["hold", player]
        if holds and rng.random() < 0.8:
            hold = rng.choice(holds[-2:])
            if rng.random() < 0.3:
                return Request("void", player, {}, about=hold)
            return Request("post", player, {"amount": rng.choice((None, None, 1))}, about=hold)
        return Request("look", player, {"asset": rng.choice(("tokens", "coins"))})

    def learn(self, request: Request, given: Given) -> None:
        if request.what == "hold" and given.status == 200:
            self.known["hold", request.player].append(given.body["hold"]["id"])


class Client:
    """One device of a player: it wants `left` things, one after the other."""

    def __init__(self, stage: Stage, number: int, left: int) -> None:
        self.stage, self.left = stage, left
        self.rng = random.Random(f"{stage.seed} client {number}")
        self.name = f"client-{number}"
        # Limits are met by one player who has many devices.
        self.player = stage.players[number // (2 if stage.style == "poor" else 4) % len(stage.players)]
        self.hasty = stage.style == "busy" or self.rng.random() < 0.5
        self.pending: Request | None = None

    def work(self) -> None:
        """Until all is answered, or the server dies under it; then it is let go on with what it had asked."""
        while self.left:
            self.pending = self.pending or self._next()
            request, given = self.pending, self._ask(self.pending)
            patient = self.rng.random() < 0.9
            if given.status >= 500 and patient:
                self._wait(self.rng.uniform(0.1, 3))
                continue
            if given.status == 429 and patient:
                self._wait(min(int(given.retry_after), self.rng.choice((1, 100, 100_000))))
            else:
                self.pending = None
                self.left -= 1
                self.stage.learn(request, given)
            if not self.hasty:
                self._wait(self.rng.expovariate(1 / 8))

    def _ask(self, request: Request) -> Given:
        asked = self.stage.history.begin(request)
        method, path, body = spelled(request, self.stage.names)
        given = gate.send(method, path, body, self.stage.api_keys[request.player])
        self.stage.history.end(asked, given)
        return given

    def _wait(self, seconds: float) -> None:
        self.stage.plant.world.sleep(seconds)

    def _next(self) -> Request:
        rng, stage = self.rng, self.stage
        if rng.random() < (0.4 if stage.style == "poor" else 0.1):
            return stage.keyless(self.player, rng)
        told = stage.numbers[self.player]
        if told and rng.random() < 0.25:
            request = stage.request(self.player, rng.randrange(told))
            return _changed(request) if rng.random() < 0.3 else request
        stage.numbers[self.player] += 1
        return stage.request(self.player, told)


def _changed(request: Request) -> Request:
    """Another request under the same key."""
    if "amount" not in request.members:
        return request
    return replace(request, members={**request.members, "amount": request.members["amount"] + 1})
