"""Tokens and coins: what players send to each other, and set aside."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from chalicelib.api.blueprint import PREFIX, Blueprint
from chalicelib.api.request import Call
from chalicelib.domain.identity.permissions import PLAYER
from chalicelib.services.core.answer import Answer
from chalicelib.services.ledger.place_hold import HoldPlaced, HoldRequest
from chalicelib.services.ledger.place_hold import place_hold as place
from chalicelib.services.ledger.read_holds import Holds
from chalicelib.services.ledger.read_holds import read_holds as holds
from chalicelib.services.ledger.resolve_hold import HoldResolved, PostRequest
from chalicelib.services.ledger.resolve_hold import post_hold as post
from chalicelib.services.ledger.resolve_hold import void_hold as void
from chalicelib.services.ledger.transfer_tokens import TransferMade, TransferRequest
from chalicelib.services.ledger.transfer_tokens import transfer_tokens as transfer

economy = Blueprint(__name__)


class HoldsQuery(msgspec.Struct):
    cursor: Annotated[str, Meta(max_length=64, description="Of the page before.")] | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 50


@economy.route(
    f"{PREFIX}/transfer",
    method="POST",
    tag="economy",
    summary="Send tokens",
    description="Once for each `idempotencyKey`: the same request again gets the first answer, marked "
    "`Idempotency-Replayed: true`. A refusal for lack of funds (400 `insufficient_balance`) is remembered too; after "
    "topping up, use a new key. No other is: 400 `self_transfer`, `amount_out_of_range`, 404 `unknown_recipient`, "
    "429 `rate_limited`.",
    body=TransferRequest,
    answer=TransferMade,
    replays=True,
    permission=PLAYER,
    errors=(404, 409),
)
def transfer_tokens(call: Call) -> Answer:
    return transfer(call.context, call.who, call.body)


@economy.route(
    f"{PREFIX}/holds",
    method="POST",
    tag="economy",
    summary="Hold an amount",
    description="What is held is still yours, and cannot be spent until the hold is void. Once for each "
    "`idempotencyKey`, like a transfer. `too_many_holds`: an account has at most 100 open ones.",
    body=HoldRequest,
    answer=HoldPlaced,
    replays=True,
    permission=PLAYER,
    errors=(409,),
)
def place_hold(call: Call) -> Answer:
    return place(call.context, call.who, call.body)


@economy.route(
    f"{PREFIX}/holds",
    tag="economy",
    summary="Your open holds",
    description="Newest first, those of pending redemptions too. A page may be short, and not the last.",
    query=HoldsQuery,
    answer=Holds,
    permission=PLAYER,
)
def read_holds(call: Call) -> Holds:
    return holds(call.context, call.who, cursor=call.query.cursor, limit=call.query.limit)


@economy.route(
    f"{PREFIX}/holds/{{hold}}/post",
    method="POST",
    tag="economy",
    summary="Post a hold",
    description="Burns what it holds, or a part, and releases the rest. The same again gets the same answer, marked "
    "`Idempotency-Replayed: true`, for 30 days. `hold_resolved`: it was void, or posted with another amount; "
    "`hold_expired`: it is void since `expiresAt`.",
    body=PostRequest,
    optional_body=True,
    answer=HoldResolved,
    replays=True,
    permission=PLAYER,
    errors=(404, 409),
)
def post_hold(call: Call) -> Answer:
    return post(call.context, call.who, call.path("hold"), call.body)


@economy.route(
    f"{PREFIX}/holds/{{hold}}/void",
    method="POST",
    tag="economy",
    summary="Void a hold",
    description="Releases all that it holds. The same again, or for one that has expired, gets the same answer, marked "
    "`Idempotency-Replayed: true`, for 30 days. `hold_resolved`: it was posted.",
    answer=HoldResolved,
    replays=True,
    permission=PLAYER,
    errors=(404, 409),
)
def void_hold(call: Call) -> Answer:
    return void(call.context, call.who, call.path("hold"))
