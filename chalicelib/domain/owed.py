"""What a commit owes the world, made of its facts: the same messages, under the same ids, however often."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from chalicelib.domain.notices import Notice
from chalicelib.domain.periods import moment_name

SOURCE = "laurel/economy"
RawEvent = dict[str, Any]
Kind = Callable[[str, int, dict[str, Any]], "Messages"]


@dataclass(frozen=True, slots=True)
class Messages:
    """`events` for Laurel's own queue, as CloudEvents; `notices` for the bus."""

    events: list[RawEvent] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)


def messages_of(id_: str, at_ms: int, kind: str, facts: dict[str, Any]) -> Messages:
    """The messages of a row of the outbox."""
    return KINDS[kind](id_, at_ms, facts)


def own_event(id_: str, at_ms: int, type_: str, player: str, data: dict[str, Any]) -> RawEvent:
    """An event of Laurel's own about a player. It was received when it was committed, however late it is sent."""
    when = moment_name(at_ms)
    return {
        "specversion": "1.0",
        "id": id_,
        "source": SOURCE,
        "type": type_,
        "subject": player,
        "time": when,
        "receivedAt": when,
        "data": data,
    }


def notice(id_: str, at_ms: int, type_: str, player: str, **detail: Any) -> Notice:
    """A domain event about a player, under an id of its own."""
    stable = hashlib.blake2b(f"{type_}\0{id_}".encode(), digest_size=16).hexdigest()
    return Notice(stable, type_, player, moment_name(at_ms), detail)


def _transfer(id_: str, at_ms: int, facts: dict[str, Any]) -> Messages:
    sender, recipient, amount = facts["from"], facts["to"], facts["amount"]
    return Messages(
        [
            own_event(id_, at_ms, "transfer.sent", sender, {"to": recipient, "amount": amount}),
            own_event(id_, at_ms, "transfer.received", recipient, {"from": sender, "amount": amount}),
        ],
        [notice(id_, at_ms, "transfer.received", recipient, transferId=id_, amount=amount)],
    )


def _reward(type_: str) -> Kind:
    def messages(id_: str, at_ms: int, facts: dict[str, Any]) -> Messages:
        told = {name: facts[name] for name in ("cost", "asset", "status")}
        about = {"redemptionId": facts["redemption"], "rewardId": facts["reward"]}
        return Messages(notices=[notice(id_, at_ms, type_, facts["player"], **about, **told)])

    return messages


def _referral(id_: str, at_ms: int, facts: dict[str, Any]) -> Messages:
    referrer = facts["referrer"]
    return Messages(
        [own_event(id_, at_ms, "referral.redeemed", referrer, {})],
        [notice(id_, at_ms, "invite.redeemed", referrer, referralId=id_, by=facts["player"])],
    )


REDEEMED, FULFILLED, CANCELLED, REFUNDED = "reward.redeemed", "reward.fulfilled", "reward.cancelled", "reward.refunded"
KINDS: dict[str, Kind] = {
    "transfer": _transfer,
    "referral": _referral,
    **{type_: _reward(type_) for type_ in (REDEEMED, FULFILLED, CANCELLED, REFUNDED)},
}
