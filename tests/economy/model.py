"""What the economy's specification says, done the plainest way: one at a time, everything summed anew.

It shares no code with Laurel. Each method decides what a request is answered and what it would change; `do` changes it.
A refusal says its status and code, and what details the specification names; Laurel may say more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

MINUTE, DAY = 60_000, 86_400_000
KEYS_LIVE = 30 * DAY
MINT, BURN, REWARDS = "@mint", "@burn", "@rewards"
Change = Callable[[], None]


@dataclass(frozen=True)
class Request:
    """`what`: a method of the model; `about`: the id in its path; `members`: its body without the idempotency key."""

    what: str
    player: str
    members: Mapping[str, Any] = field(default_factory=dict)
    key: str = ""
    about: Any = ""


@dataclass(frozen=True)
class Answer:
    status: int
    body: dict[str, Any]
    replayed: bool = False

    @property
    def code(self) -> str:
        return str(self.body.get("code", ""))


@dataclass(frozen=True)
class Id:
    """Stands for the id that Laurel gives to the thing made by a change, whichever it is."""

    number: int


@dataclass
class Hold:
    id: Id
    player: str
    asset: str
    amount: int
    expires: int | None
    resolved: Answer | None = None
    how: str = ""
    posted: int | None = None


@dataclass
class Moved:
    """One transfer: two postings that sum to zero."""

    id: Id
    asset: str
    source: str
    target: str
    amount: int
    at: int
    kind: str
    corrected: Answer | None = None


@dataclass
class Known:
    at: int
    request: Request
    answer: Answer


def refused(status: int, code: str, **details: Any) -> tuple[Answer, None]:
    return Answer(status, {"code": code, **details}), None


class Ledger:
    """Accounts, transfers, grants, corrections, holds."""

    def __init__(self, players: list[str]) -> None:
        self.players = players
        self.moved: list[Moved] = []
        self.holds: dict[Id, Hold] = {}
        self.keys: dict[tuple[str, str], Known] = {}
        self.made = 0

    def do(self, request: Request, now: int) -> Answer:
        answer, change = self.decide(request, now)
        if change:
            change()
        return answer

    def decide(self, request: Request, now: int) -> tuple[Answer, Change | None]:
        """The answer at this moment, and what it changes, if anything."""
        if not request.key:
            return self._method(request)(request, now)
        known = self.keys.get((request.player, request.key))
        if known and now < known.at + KEYS_LIVE:
            if known.request != request:
                return refused(409, "idempotency_conflict")
            return replace(known.answer, replayed=True), None
        answer, change = self._method(request)(request, now)
        if answer.status >= 400 and answer.code != "insufficient_balance":
            return answer, None

        def remember() -> None:
            self.keys[request.player, request.key] = Known(now, request, answer)
            if change:
                change()

        return answer, remember

    def _method(self, request: Request) -> Callable[[Request, int], tuple[Answer, Change | None]]:
        method: Callable[[Request, int], tuple[Answer, Change | None]] = getattr(self, request.what)
        return method

    # accounts

    def balance(self, account: str, asset: str) -> int:
        into = sum(each.amount for each in self.moved if each.target == account and each.asset == asset)
        return into - sum(each.amount for each in self.moved if each.source == account and each.asset == asset)

    def open_holds(self, player: str, asset: str, now: int) -> list[Hold]:
        mine = [hold for hold in self.holds.values() if (hold.player, hold.asset) == (player, asset)]
        return [hold for hold in mine if not hold.how and (hold.expires is None or now < hold.expires)]

    def available(self, player: str, asset: str, now: int) -> int:
        return self.balance(player, asset) - sum(hold.amount for hold in self.open_holds(player, asset, now))

    def lacking(self, player: str, asset: str, amount: int) -> tuple[Answer, None]:
        return refused(400, "insufficient_balance", balance=self.balance(player, asset), requested=amount)

    def new_id(self) -> Id:
        return Id(self.made)

    def move(self, id_: Id, asset: str, source: str, target: str, amount: int, at: int, kind: str) -> None:
        self.made += 1
        self.moved.append(Moved(id_, asset, source, target, amount, at, kind))

    def credit(self, player: str, asset: str, amount: int, at: int) -> None:
        """What rules pay, which nobody asks for."""
        self.move(self.new_id(), asset, MINT, player, amount, at, "rule")

    # requests

    def look(self, request: Request, now: int) -> tuple[Answer, Change | None]:
        """GET balance."""
        asset = request.members["asset"]
        balance, available = self.balance(request.player, asset), self.available(request.player, asset, now)
        shown = {"asset": asset, "balance": balance, "held": balance - available, "available": available}
        return Answer(200, shown), None

    def transfer(self, request: Request, now: int) -> tuple[Answer, Change | None]:
        me, to, amount = request.player, request.members["to"], request.members["amount"]
        if to == me:
            return refused(400, "self_transfer")
        if not 1 <= amount <= 10_000:
            return refused(400, "amount_out_of_range")
        if to not in self.players:
            return refused(404, "unknown_recipient")
        sent = [each for each in self.moved if each.kind == "transfer" and each.source == me]
        lately = [each for each in sent if now - each.at < MINUTE]
        today = sum(each.amount for each in sent if each.at // DAY == now // DAY)
        if len(lately) >= 10 or today + amount > 100_000:
            return refused(429, "rate_limited")
        if self.available(me, "tokens", now) < amount:
            return self.lacking(me, "tokens", amount)
        id_, left = self.new_id(), self.balance(me, "tokens") - amount
        shown = {"id": id_, "from": me, "to": to, "amount": amount}
        answer = Answer(200, {"success": True, "transfer": shown, "balance": left})
        return answer, lambda: self.move(id_, "tokens", me, to, amount, now, "transfer")

    def grant(self, request: Request, now: int) -> tuple[Answer, Change | None]:
        """By an admin, to `player` among the members; a negative amount is burnt."""
        to, asset, amount = request.members["player"], request.members["asset"], request.members["amount"]
        if to not in self.players:
            return refused(404, "")
        if amount < 0 and self.available(to, asset, now) < -amount:
            return self.lacking(to, asset, -amount)
        id_ = self.new_id()
        shown = {"id": id_, "player": to, "asset": asset, "amount": amount, "reason": request.members["reason"]}
        answer = Answer(200, {"success": True, "transfer": shown, "balance": self.balance(to, asset) + amount})
        source, target = (MINT, to) if amount > 0 else (to, BURN)
        return answer, lambda: self.move(id_, asset, source, target, abs(amount), now, "grant")

    def correct(self, request: Request, now: int) -> tuple[Answer, Change | None]:
        """By an admin: takes a transfer back, once."""
        wrong = next((each for each in self.moved if each.id == request.about), None)
        if wrong is None:
            return refused(404, "")
        if wrong.corrected:
            return replace(wrong.corrected, replayed=True), None
        giver = wrong.target
        if not giver.startswith("@") and self.available(giver, wrong.asset, now) < wrong.amount:
            return self.lacking(giver, wrong.asset, wrong.amount)
        id_ = self.new_id()
        answer = Answer(200, {"success": True, "transfer": {"id": id_}})

        def change() -> None:
            wrong.corrected = answer
            self.move(id_, wrong.asset, wrong.target, wrong.source, wrong.amount, now, "correction")

        return answer, change

    # holds

    def hold(self, request: Request, now: int) -> tuple[Answer, Change | None]:
        me, asset, amount = request.player, request.members["asset"], request.members["amount"]
        if self.available(me, asset, now) < amount:
            return self.lacking(me, asset, amount)
        id_, expires = self.new_id(), now + 1000 * request.members["expiresIn"]
        answer = Answer(200, {"hold": {"id": id_, "amount": amount, "asset": asset}})
        return answer, lambda: self.place(Hold(id_, me, asset, amount, expires))

    def place(self, hold: Hold) -> None:
        self.made += 1
        self.holds[hold.id] = hold

    def post(self, request: Request, now: int) -> tuple[Answer, Change | None]:
        return self._resolve(request, now, "posted", request.members.get("amount"))

    def void(self, request: Request, now: int) -> tuple[Answer, Change | None]:
        return self._resolve(request, now, "voided", None)

    def _resolve(self, request: Request, now: int, how: str, amount: int | None) -> tuple[Answer, Change | None]:
        hold = self.holds.get(request.about)
        if hold is None or hold.player != request.player or hold.expires is None:
            return refused(404, "")
        return self.resolve(hold, now, how, amount, BURN)

    def resolve(self, hold: Hold, now: int, how: str, amount: int | None, to: str) -> tuple[Answer, Change | None]:
        """Post `amount` (None: all of it) to an account, or void; a second time only as the first."""
        wanted = None if how == "voided" else hold.amount if amount is None else amount
        if hold.resolved:
            if (how, wanted) == (hold.how, hold.posted):
                return replace(hold.resolved, replayed=True), None
            return refused(409, "hold_resolved")
        if wanted is not None and not 1 <= wanted <= hold.amount:
            return refused(400, "")
        if how == "posted" and hold.expires is not None and hold.expires <= now:
            return refused(409, "hold_expired")
        id_ = self.new_id()
        answer = Answer(200, {"hold": {"id": hold.id}})

        def change() -> None:
            hold.resolved, hold.how, hold.posted = answer, how, wanted
            if wanted is not None:
                self.move(id_, hold.asset, hold.player, to, wanted, now, "hold")

        return answer, change
