"""Random steps over HTTP, each answered as the model answers it, with books that balance after each."""

from __future__ import annotations

from random import Random
from typing import Any, ClassVar

from hypothesis.stateful import initialize

from tests.economy.machine import ADMIN, ASSETS, PLAYERS, STEPS, Machine, numbers

REWARDS = ("cup", "trip")
TEXT = {"name": "A thing", "description": "A thing to have.", "type": "thing", "asset": "coins"}


def some_key(rng: Random) -> str:
    """Return one of few keys, so that they come again."""
    return f"key-{rng.randrange(40)}"


class Ledger(Machine):
    """Transfers, what admins mint and burn, and what they take back."""

    weights: ClassVar = {
        "transfer": 6,
        "many_transfers": 1,
        "grant_some": 3,
        "correct": 3,
        "again": 2,
        "time_goes_by": 2,
    }

    def transfer(self, rng: Random) -> None:
        me, to = rng.choice(PLAYERS), rng.choice((*PLAYERS, *PLAYERS, "nobody"))
        amount, note = rng.choice((1, 50, 100, 101, 9_999, 10_000, 10_001, 0)), rng.choice((None, "Thanks!"))
        self.ask("transfer", me, key=some_key(rng), to=to, amount=amount, note=note)

    def many_transfers(self, rng: Random) -> None:
        me, to = rng.sample(PLAYERS[:2], 2)
        amount = rng.choice((1, 10_000))
        for _ in range(rng.randint(5, 11)):
            self.ask("transfer", me, key=f"row-{len(self.asked)}", to=to, amount=amount, note=None)

    def grant_some(self, rng: Random) -> None:
        to, amount = rng.choice((*PLAYERS, *PLAYERS, "nobody")), rng.choice((-100, -1, 0, 1, 100))
        self.grant(to, rng.choice(ASSETS), amount, some_key(rng))

    def correct(self, rng: Random) -> None:
        known = [moved.id for moved in self.model.moved[-5:]]
        self.ask("correct", ADMIN, about=rng.choice([*known, "none"]))


class Holds(Machine):
    """Holds, posted, void or expired, in parallel to transfers of the same amounts."""

    weights: ClassVar = {
        "hold": 6,
        "resolve": 8,
        "resolve_anybodys": 1,
        "view": 2,
        "transfer": 2,
        "again": 2,
        "time_goes_by": 3,
    }

    def hold(self, rng: Random) -> None:
        members = {
            "asset": rng.choice(ASSETS),
            "amount": rng.choice((1, 50, 100, 101, 150, 0, 10**12 + 1)),
            "expiresIn": rng.choice((1, 60, 86_400, 30 * 86_400)),
        }
        self.ask("hold", rng.choice(PLAYERS[:2]), key=some_key(rng), **members)

    def resolve(self, rng: Random) -> None:
        holds = [*self.model.holds.values()][-4:]
        if not holds:
            return self.hold(rng)
        hold = rng.choice(holds)
        if rng.random() < 0.5:
            self.ask("void", hold.player, about=hold.id)
        else:
            self.ask("post", hold.player, about=hold.id, amount=rng.choice((None, 1, 50, 50, 0)))
        return None

    def resolve_anybodys(self, rng: Random) -> None:
        self.ask(rng.choice(("post", "void")), rng.choice(PLAYERS), about=next(iter(self.model.holds), "none"))

    def view(self, rng: Random) -> None:
        self.ask("view", rng.choice(PLAYERS), asset=rng.choice(ASSETS))

    def transfer(self, rng: Random) -> None:
        me, to = rng.sample(PLAYERS, 2)
        self.ask("transfer", me, key=some_key(rng), to=to, amount=rng.choice((50, 101)), note=None)


class Rewards(Machine):
    """A catalogue that changes while players redeem."""

    weights: ClassVar = {"redeem": 8, "decide": 6, "put_reward": 2, "retire_reward": 1, "post_held": 1, "again": 2,
               "time_goes_by": 1}  # fmt: skip

    @initialize(number=numbers)
    def open(self, number: int) -> None:
        for _ in range(3):
            self.put_reward(Random(number))

    def put_reward(self, rng: Random) -> None:
        members = {
            "cost": rng.choice((1, 60, 90)),
            "stock": rng.choice((None, 1, 2, 5)),
            "perPlayer": rng.choice((None, 1, 2)),
            "requiresFulfilment": rng.random() < 0.5,
        }
        self.ask("put", ADMIN, about=rng.choice(REWARDS), **members, **TEXT)

    def retire_reward(self, rng: Random) -> None:
        self.ask("retire", ADMIN, about=rng.choice(REWARDS))

    def redeem(self, rng: Random) -> None:
        id_ = rng.choice((*REWARDS, *REWARDS, "none"))
        self.ask("redeem", rng.choice(PLAYERS), about=id_, key=f"key-{rng.randrange(200)}")

    def decide(self, rng: Random) -> None:
        made = [*self.model.redemptions][-4:]
        how = rng.choice(("fulfil", "cancel", "refund", "refund", "correct"))
        self.ask(how, ADMIN, about=rng.choice(made or ["none"]))

    def post_held(self, rng: Random) -> None:
        """Try to post a redemption's hold, which a player must not post."""
        self.ask(rng.choice(("post", "void")), rng.choice(PLAYERS), about=next(iter(self.model.redemptions), "none"))


class Invites(Machine):
    """Invites by code and token, of all by all."""

    weights: ClassVar = {"invite": 2, "change": 2, "accept": 8, "guess": 1, "again": 1, "time_goes_by": 2}

    def invite(self, rng: Random) -> None:
        self.ask("invite", rng.choice(PLAYERS), uses=rng.choice((1, 2)), days=rng.choice((1, 30)))

    def change(self, rng: Random) -> None:
        invite = self._one(rng)
        if invite:
            me = rng.choice((invite.player, invite.player, "carl"))
            self.ask(rng.choice(("rotate", "revoke")), me, about=invite.code)

    def accept(self, rng: Random) -> None:
        invite = self._one(rng)
        if invite:
            self.ask("accept", rng.choice(PLAYERS), about=rng.choice((invite.code, invite.token)))

    def guess(self, rng: Random) -> None:
        me = rng.choice(PLAYERS)
        for _ in range(rng.randint(8, 10)):
            self.ask("accept", me, about="2222-2222")

    def _one(self, rng: Random) -> Any:
        return rng.choice([*self.model.invites.values(), None][-4:])


TestLedger, TestHolds, TestRewards, TestInvites = (machine.TestCase for machine in (Ledger, Holds, Rewards, Invites))
TestLedger.settings = TestHolds.settings = TestRewards.settings = TestInvites.settings = STEPS
