"""Tokens and coins: what players have, and send to each other."""

from __future__ import annotations

from chalicelib.api.blueprint import PREFIX, Blueprint
from chalicelib.api.request import Call
from chalicelib.domain.permissions import PLAYER
from chalicelib.services.idempotent import Answer
from chalicelib.services.transfer_tokens import TransferMade, TransferRequest
from chalicelib.services.transfer_tokens import transfer_tokens as transfer

economy = Blueprint(__name__)


@economy.route(
    f"{PREFIX}/transfer",
    method="POST",
    tag="economy",
    summary="Send tokens",
    description="Once for each `idempotencyKey`: the same request again gets the first answer, marked "
    "`Idempotency-Replayed: true`. A refusal for lack of funds is remembered too; after topping up, use a new key.",
    body=TransferRequest,
    answer=TransferMade,
    permission=PLAYER,
    errors=(404, 409),
)
def transfer_tokens(call: Call) -> Answer:
    return transfer(call.context, call.who, call.body)
