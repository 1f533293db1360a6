"""Mint tokens for a player, or burn some of their tokens, as an admin."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from chalicelib.domain.core.errors import ConflictingState, InsufficientBalance, InvalidRequest, NotFound
from chalicelib.domain.core.periods import moment_name
from chalicelib.domain.identity.owner import Owner
from chalicelib.domain.identity.visible_text import is_visible
from chalicelib.domain.ledger.transfer import BURN, MAX_BALANCE, MINT, Transfer, transfer_id
from chalicelib.services.context import Context
from chalicelib.services.core.answer import Answer
from chalicelib.services.core.idempotency import Asked, IdempotencyKey, Items, Prepared, once
from chalicelib.services.identity.audit import audit
from chalicelib.services.identity.authenticate import Caller
from chalicelib.services.identity.owners import NOBODY, find_owner, owner_of
from chalicelib.services.ledger.assets import known_asset
from chalicelib.services.ledger.expire_holds import usable
from chalicelib.store.ledger.accounts import Account, Change, load_account
from chalicelib.store.ledger.double_entry import post_transfer

# The limit for every number from outside. Nine thousand of the largest grants fill an account.
MAX_GRANT = 10**12
# Both postings contain it. Each of them stays within a KB.
MAX_REASON = 200
Reason = Annotated[
    str,
    Meta(min_length=1, max_length=MAX_REASON, description="Visible characters. The player sees it on the statement."),
]
Name = Annotated[str, Meta(min_length=1, max_length=128)]


class GrantRequest(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """A grant. `player`: an id or a public id. An `amount` above 0 is minted, one below 0 is burnt."""

    player: Name
    asset: Name
    amount: Annotated[int, Meta(description=f"{-MAX_GRANT} to {MAX_GRANT}, not 0.")]
    reason: Reason
    idempotency_key: IdempotencyKey


class GrantShown(msgspec.Struct, rename="camel"):
    id: str
    player: str
    asset: str
    amount: int
    reason: str
    created_at: str


class GrantMade(msgspec.Struct):
    """The result of a grant. `balance`: the player's balance after it."""

    success: bool
    transfer: GrantShown
    balance: int


def grant_tokens(context: Context, caller: Caller, request: GrantRequest) -> Answer[GrantMade]:
    """Mint or burn tokens, once per key of the admin.

    Raises InvalidRequest (`amount_out_of_range`, `insufficient_balance`), NotFound, ConflictingState (`balance_limit`),
    and the errors of `once`.
    """
    admin, asset = owner_of(context, caller), known_asset(context, request.asset)
    if not is_visible(request.reason):
        raise InvalidRequest("'reason' must be visible characters.", parameter="reason")

    def prepare(_: Items, strong: bool) -> Prepared:
        _check(request.amount)
        owner = find_owner(context, request.player, refresh=strong)
        account, now_ms = load_account(context.table, owner.account, asset), context.now_ms()
        if account.closed:
            raise NotFound(NOBODY)
        if account.balance + request.amount > MAX_BALANCE:
            raise ConflictingState(
                f"A balance may be at most {MAX_BALANCE}.", code="balance_limit", maximum=MAX_BALANCE
            )
        account = usable(context, owner.account, asset, account, -request.amount, now_ms, strong=strong)
        if account.available + request.amount < 0:
            raise InsufficientBalance(account.balance, account.available, -request.amount)
        return _prepared(context, caller, owner, request, account, now_ms)

    members = msgspec.to_builtins(request)
    del members["idempotencyKey"]
    answer = once(context, Asked(admin.account, request.idempotency_key, "grant", members), [], prepare)
    return answer.shaped(
        lambda outcome: GrantMade(
            success=True,
            transfer=GrantShown(
                outcome["id"], request.player, asset, request.amount, request.reason, outcome["createdAt"]
            ),
            balance=outcome["balance"],
        )
    )


def _check(amount: int) -> None:
    if not 0 < abs(amount) <= MAX_GRANT:
        raise InvalidRequest(
            f"'amount' must be from {-MAX_GRANT} to {MAX_GRANT}, and not 0.",
            code="amount_out_of_range",
            parameter="amount",
            minimum=-MAX_GRANT,
            maximum=MAX_GRANT,
        )


def _prepared(
    context: Context, caller: Caller, owner: Owner, request: GrantRequest, account: Account, now_ms: int
) -> Prepared:
    minted = request.amount > 0
    transfer = Transfer(
        id=transfer_id(now_ms, owner.public, context.new_id()),
        asset=request.asset,
        source=MINT if minted else owner.account,
        target=owner.account if minted else BURN,
        amount=abs(request.amount),
        kind="grant",
        created_at=now_ms,
        details={"reason": request.reason},
    )
    as_read = Change(read=account)
    facts = {"asset": request.asset, "amount": request.amount, "reason": request.reason}
    tx = context.table.transaction()
    post_transfer(tx, transfer, context.rules.version, as_read, as_read)
    audit(tx, caller, "grant", transfer.id, now_ms, owner.player, **facts)
    return Prepared(
        tx,
        {"id": transfer.id, "createdAt": moment_name(now_ms), "balance": account.balance + request.amount},
    )
