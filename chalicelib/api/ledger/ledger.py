"""The ledger: what players have, how it came to that, and what admins change of it by hand."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from chalicelib.api.blueprint import PREFIX, Blueprint
from chalicelib.api.request import Call
from chalicelib.domain.identity.permissions import ADMIN, PLAYER
from chalicelib.services.core.answer import Answer
from chalicelib.services.ledger.correct_transfer import CorrectionMade, CorrectionRequest
from chalicelib.services.ledger.correct_transfer import correct_transfer as correct
from chalicelib.services.ledger.grant_tokens import GrantMade, GrantRequest
from chalicelib.services.ledger.grant_tokens import grant_tokens as grant
from chalicelib.services.ledger.read_balance import Balance
from chalicelib.services.ledger.read_balance import read_balance as balance
from chalicelib.services.ledger.read_statement import Statement
from chalicelib.services.ledger.read_statement import read_statement as statement
from chalicelib.services.ledger.read_transfers import Direction, TransferList
from chalicelib.services.ledger.read_transfers import read_transfers as transfers

ledger = Blueprint(__name__)

AssetName = Annotated[
    str, Meta(max_length=64, description="Of the ruleset; without it, the one that players send each other.")
]
Cursor = Annotated[str, Meta(max_length=160, description="Of the page before.")]
Limit = Annotated[int, Meta(ge=1, le=100)]


class BalanceQuery(msgspec.Struct):
    asset: AssetName | None = None


class TransfersQuery(msgspec.Struct):
    direction: Direction = "all"
    cursor: Cursor | None = None
    limit: Limit = 50


class StatementQuery(msgspec.Struct):
    asset: AssetName | None = None
    cursor: Cursor | None = None
    limit: Limit = 50


@ledger.route(
    f"{PREFIX}/balance",
    tag="economy",
    summary="Your balance",
    query=BalanceQuery,
    answer=Balance,
    permission=PLAYER,
)
def read_balance(call: Call) -> Balance:
    return balance(call.context, call.who, call.query.asset)


@ledger.route(
    f"{PREFIX}/transfer",
    tag="economy",
    summary="What you sent and received",
    description="Newest first. Who is private or hidden is named by public id. A page may be short, and not the last.",
    query=TransfersQuery,
    answer=TransferList,
    permission=PLAYER,
)
def read_transfers(call: Call) -> TransferList:
    query = call.query
    return transfers(call.context, call.who, query.direction, query.cursor, query.limit)


@ledger.route(
    f"{PREFIX}/statement",
    tag="economy",
    summary="Your statement",
    description="Every posting of your account, newest first, with the balance after it.",
    query=StatementQuery,
    answer=Statement,
    permission=PLAYER,
)
def read_own_statement(call: Call) -> Statement:
    query = call.query
    return statement(call.context, call.who, asset=query.asset, cursor=query.cursor, limit=query.limit)


@ledger.route(
    f"{PREFIX}/players/{{player}}/statement",
    tag="admin",
    summary="A player's statement",
    query=StatementQuery,
    answer=Statement,
    permission=ADMIN,
)
def read_player_statement(call: Call) -> Statement:
    query, player = call.query, call.path("player")
    return statement(call.context, call.who, player, asset=query.asset, cursor=query.cursor, limit=query.limit)


@ledger.route(
    f"{PREFIX}/admin/grants",
    method="POST",
    tag="admin",
    summary="Mint for a player, or burn",
    description="Once for each `idempotencyKey` of yours. What cannot be burnt, because less is available, is refused "
    "for good under its key.",
    body=GrantRequest,
    answer=GrantMade,
    replays=True,
    permission=ADMIN,
    errors=(404, 409),
)
def grant_tokens(call: Call) -> Answer:
    return grant(call.context, call.who, call.body)


@ledger.route(
    f"{PREFIX}/admin/corrections",
    method="POST",
    tag="admin",
    summary="Take a transfer back",
    description="By a new transfer that names it, once for each: asked again, it gets the first answer, marked "
    "`Idempotency-Replayed: true`. If what was received is gone (`insufficient_balance`), it may be tried later.",
    body=CorrectionRequest,
    answer=CorrectionMade,
    replays=True,
    permission=ADMIN,
    errors=(404, 409),
)
def correct_transfer(call: Call) -> Answer:
    return correct(call.context, call.who, call.body)
