"""A model of the economy's specification in its plainest form: one request at a time, sums recomputed.

It shares no code with Laurel. Each method decides the answer to a request and the change it would make; `do` makes it.
A refusal has its status and code, and the details that the specification names; Laurel may say more.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

MINUTE, DAY = 60_000, 86_400_000
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
    kind: str = ""


@dataclass(frozen=True)
class Hold:
    """`how` it was resolved, if it was: "posted" (so much of it) or "void", and when."""

    id: Id
    player: str
    asset: str
    amount: int
    expires: int | None
    how: str = ""
    posted: int = 0
    over: int = 0
    transfer: Id | None = None


@dataclass(frozen=True)
class Moved:
    """One transfer: two postings that sum to zero."""

    id: Id
    asset: str
    source: str
    target: str
    amount: int
    at: int
    kind: str


@dataclass(frozen=True)
class Known:
    at: int
    request: Request
    answer: Answer
    until: int


def kept_until(at: int, days: int = 30) -> int:
    """Return the full second at which an unneeded record is forgotten."""
    return (at + days * DAY) // 1000 * 1000


def refused(status: int, code: str, **details: Any) -> tuple[Answer, None]:
    return Answer(status, {"code": code, **details}), None


class Ledger:
    """Accounts, transfers, grants, corrections, holds."""

    def __init__(self, players: list[str]) -> None:
        self.players = players
        self.moved: list[Moved] = []
        self.corrections: dict[Id, Answer] = {}
        self.holds: dict[Id, Hold] = {}
        self.keys: dict[tuple[str, str], Known] = {}
        self.made = 0

    def copy(self) -> Self:
        """Return a copy of the current state; its values are never changed in place."""
        other = copy.copy(self)
        for name, value in vars(self).items():
            if isinstance(value, list | dict):
                setattr(other, name, value.copy())
        return other

    def do(self, request: Request, now: int) -> Answer:
        answer, change = self.decide(request, now)
        if change:
            change()
        return answer

    def remembered(self, request: Request, now: int) -> Known | None:
        known = self.keys.get((request.player, request.key))
        return known if known and now < known.until else None

    def remember(self, request: Request, answer: Answer, now: int, until: int | None = None) -> None:
        self.keys[request.player, request.key] = Known(now, request, answer, until or kept_until(now))

    def decide(self, request: Request, now: int) -> tuple[Answer, Change | None]:
        """Return the answer at this moment, and the change that it makes, if any."""
        if not request.key:
            return self._method(request)(request, now)
        known = self.remembered(request, now)
        if known:
            if known.request != request:
                return refused(409, "idempotency_conflict")
            return replace(known.answer, replayed=True), None
        answer, change = self._method(request)(request, now)
        if answer.status >= 400 and answer.code != "insufficient_balance":
            return answer, None

        def change_and_remember() -> None:
            self.remember(request, answer, now)
            if change:
                change()

        return answer, change_and_remember

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
        """Credit an amount that rules pay, without a request."""
        self.move(self.new_id(), asset, MINT, player, amount, at, "rule")

    # requests

    def view(self, request: Request, now: int) -> tuple[Answer, Change | None]:
        """Answer GET balance."""
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
        """Grant by an admin, to `player` among the members; a negative amount is burnt."""
        to, asset, amount = request.members["player"], request.members["asset"], request.members["amount"]
        if not 0 < abs(amount) <= 10**12:
            return refused(400, "amount_out_of_range")
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
        """Correct a transfer by an admin, once."""
        wrong = next((each for each in self.moved if each.id == request.about), None)
        if wrong is None:
            return refused(404, "")
        if wrong.id in self.corrections:
            return replace(self.corrections[wrong.id], replayed=True), None
        giver = wrong.target
        if not giver.startswith("@") and self.available(giver, wrong.asset, now) < wrong.amount:
            return self.lacking(giver, wrong.asset, wrong.amount)
        id_ = self.new_id()
        answer = Answer(200, {"success": True, "transfer": {"id": id_}})

        def change() -> None:
            self.corrections[wrong.id] = answer
            self.move(id_, wrong.asset, wrong.target, wrong.source, wrong.amount, now, "correction")

        return answer, change

    # holds

    def hold(self, request: Request, now: int) -> tuple[Answer, Change | None]:
        me, asset, amount = request.player, request.members["asset"], request.members["amount"]
        if not 1 <= amount <= 10**12:
            return refused(400, "amount_out_of_range")
        available = self.available(me, asset, now)
        if available < amount:
            return self.lacking(me, asset, amount)
        id_, expires = self.new_id(), now + 1000 * request.members["expiresIn"]
        shown = {"id": id_, "amount": amount, "asset": asset, "status": "open"}
        body = {"success": True, "hold": shown, "balance": self.balance(me, asset), "available": available - amount}
        return Answer(200, body), lambda: self.place(Hold(id_, me, asset, amount, expires))

    def place(self, hold: Hold) -> None:
        self.made += 1
        self.holds[hold.id] = hold

    def post(self, request: Request, now: int) -> tuple[Answer, Change | None]:
        """Post `amount` of a player's own hold, or all."""
        return self._resolve(request, now, "posted")

    def void(self, request: Request, now: int) -> tuple[Answer, Change | None]:
        return self._resolve(request, now, "void")

    def _resolve(self, request: Request, now: int, how: str) -> tuple[Answer, Change | None]:
        hold = self.holds.get(request.about)
        if hold is None or hold.player != request.player or hold.expires is None or self._forgotten(hold, now):
            return refused(404, "not_found")
        given = request.members.get("amount")
        amount: int = 0 if how == "void" else hold.amount if given is None else given
        wrong_amount = how == "posted" and not 1 <= amount <= hold.amount
        shown: dict[str, Any] = {"id": hold.id, "amount": hold.amount, "asset": hold.asset, "status": how}
        if amount:
            shown |= {"posted": amount, "transferId": hold.transfer or self.new_id()}
        answer = Answer(200, {"success": True, "hold": shown})
        if hold.how:
            same = (how, amount) == (hold.how, hold.posted)
            return (replace(answer, replayed=True), None) if same else refused(409, "hold_resolved")
        if wrong_amount:
            return refused(400, "amount_out_of_range")
        if hold.expires <= now:
            return (replace(answer, replayed=True), None) if how == "void" else refused(409, "hold_expired")
        return answer, lambda: self.resolve(hold, how, amount, BURN, now)

    def resolve(self, hold: Hold, how: str, amount: int, to: str, now: int) -> None:
        """Move `amount` on, and free the rest."""
        self.holds[hold.id] = replace(hold, how=how, posted=amount, over=now, transfer=self.new_id())
        if amount:
            self.move(self.new_id(), hold.asset, hold.player, to, amount, now, "hold")

    def _forgotten(self, hold: Hold, now: int) -> bool:
        over = hold.over if hold.how else hold.expires
        return over is not None and now >= kept_until(over)

    def turning_points(self) -> list[int]:
        """Yield moments at which an answer may change though nothing is done."""
        points = [each.at + MINUTE for each in self.moved if each.kind == "transfer"]
        points += [hold.expires for hold in self.holds.values() if hold.expires is not None]
        return points + [known.until for known in self.keys.values()]
