"""Hold a part of a balance."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from chalicelib.domain.core.errors import ConflictingState, InsufficientBalance
from chalicelib.domain.identity.owner import Owner
from chalicelib.domain.ledger.holds import (
    DEFAULT_EXPIRES_S,
    MAX_AMOUNT,
    MAX_EXPIRES_S,
    MAX_OPEN,
    MIN_AMOUNT,
    MIN_EXPIRES_S,
    Hold,
    check_amount,
)
from chalicelib.domain.ledger.transfer import transfer_id
from chalicelib.services.context import Context
from chalicelib.services.core.answer import Answer
from chalicelib.services.core.idempotency import Asked, IdempotencyKey, Items, Prepared, once
from chalicelib.services.identity.authenticate import Caller
from chalicelib.services.identity.owners import owner_of
from chalicelib.services.ledger.assets import known_asset
from chalicelib.services.ledger.expire_holds import settled
from chalicelib.services.ledger.hold_shown import HoldShown, hold_shown
from chalicelib.store.ledger import keys
from chalicelib.store.ledger.accounts import Account, read_account
from chalicelib.store.ledger.holds import add_hold, open_holds


class HoldRequest(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """A request for a hold. `expiresIn`: seconds, by default a week."""

    amount: Annotated[int, Meta(description=f"{MIN_AMOUNT} to {MAX_AMOUNT}.")]
    asset: Annotated[str, Meta(min_length=1, max_length=128)]
    idempotency_key: IdempotencyKey
    expires_in: Annotated[int, Meta(ge=MIN_EXPIRES_S, le=MAX_EXPIRES_S)] = DEFAULT_EXPIRES_S


class HoldPlaced(msgspec.Struct):
    """The result of a hold. `balance` after it, of which `available` can be spent."""

    success: bool
    hold: HoldShown
    balance: int
    available: int


def place_hold(context: Context, caller: Caller, request: HoldRequest) -> Answer[HoldPlaced]:
    """Hold an amount of the caller's balance, once.

    Raises InvalidRequest (`amount_out_of_range`, `insufficient_balance`, which is remembered), ConflictingState
    (`too_many_holds`), and the errors of `once`.
    """
    owner = owner_of(context, caller)
    account_key = keys.account(owner.account, request.asset)

    def prepare(items: Items, strong: bool) -> Prepared:
        check_amount(request.amount)
        asset, now_ms = known_asset(context, request.asset), context.now_ms()
        account = read_account(items.get(account_key))
        # Also if the balance suffices: expired holds must not accumulate among the open ones.
        account = settled(context, owner.account, asset, account, now_ms, strong=strong)
        _check_number(context, owner, asset, account, now_ms)
        if account.available < request.amount:
            raise InsufficientBalance(account.balance, account.available, request.amount)
        return _prepared(context, owner, request, account, now_ms)

    members = {"amount": request.amount, "asset": request.asset, "expiresIn": request.expires_in}
    return once(context, Asked(owner.account, request.idempotency_key, "hold", members), [account_key], prepare)


def _check_number(context: Context, owner: Owner, asset: str, account: Account, now_ms: int) -> None:
    """Raise ConflictingState for too many open holds. Exact: a hold placed since would have changed the account."""
    if account.placed < MAX_OPEN:
        return
    open_ones = [hold for hold in open_holds(context.table, owner.account) if hold.asset == asset and hold.is_players]
    if sum(not hold.has_expired(now_ms) for hold in open_ones) >= MAX_OPEN:
        raise ConflictingState(
            f"An account may have at most {MAX_OPEN} open holds.", code="too_many_holds", maximum=MAX_OPEN
        )


def _prepared(context: Context, owner: Owner, request: HoldRequest, account: Account, now_ms: int) -> Prepared:
    hold = Hold(
        id=transfer_id(now_ms, owner.public, context.new_id()),
        account=owner.account,
        asset=request.asset,
        amount=request.amount,
        created_at=now_ms,
        expires_at=now_ms + request.expires_in * 1000,
    )
    placed = HoldPlaced(
        success=True, hold=hold_shown(hold), balance=account.balance, available=account.available - hold.amount
    )
    tx = context.table.transaction()
    add_hold(tx, hold, account)
    return Prepared(tx, msgspec.to_builtins(placed))
