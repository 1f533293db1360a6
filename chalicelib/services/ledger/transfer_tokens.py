"""Send tokens to another player."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from chalicelib.domain.core.errors import InsufficientBalance, InvalidRequest, NotFound
from chalicelib.domain.core.periods import moment_name
from chalicelib.domain.identity.names import PLAYER_ID
from chalicelib.domain.identity.owner import Owner
from chalicelib.domain.identity.visible_text import is_visible
from chalicelib.domain.ledger import transfer_limits
from chalicelib.domain.ledger.transfer import Transfer, transfer_id
from chalicelib.domain.ledger.transfer_limits import MAX_NOTE, Sent, check_amount
from chalicelib.services.context import Context
from chalicelib.services.core.answer import Answer
from chalicelib.services.core.idempotency import Asked, IdempotencyKey, Items, Prepared, once
from chalicelib.services.identity.authenticate import Caller
from chalicelib.services.identity.owners import find_owner, owner_in, owner_keys, owner_of
from chalicelib.services.ledger.assets import transferable
from chalicelib.services.ledger.expire_holds import usable
from chalicelib.store.core.outbox import OutboxRecord
from chalicelib.store.ledger import keys
from chalicelib.store.ledger.accounts import Account, Change, read_account
from chalicelib.store.ledger.double_entry import post_transfer

# A posting with the longest note takes one KB.
Note = Annotated[str, Meta(max_length=MAX_NOTE, description="Visible characters. Both players see it.")]


class TransferRequest(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """A transfer to another player. `to`: an id, or the public id that a board shows."""

    to: Annotated[str, Meta(min_length=1, max_length=128)]
    amount: Annotated[int, Meta(description=f"{transfer_limits.MIN_AMOUNT} to {transfer_limits.MAX_AMOUNT}.")]
    idempotency_key: IdempotencyKey
    note: Note | None = None


class TransferShown(msgspec.Struct, rename={"sender": "from", "created_at": "createdAt"}):
    id: str
    sender: str
    to: str
    amount: int
    created_at: str


class TransferMade(msgspec.Struct):
    """The result of a transfer. `balance`: the sender's balance after it."""

    success: bool
    transfer: TransferShown
    balance: int


def transfer_tokens(context: Context, caller: Caller, request: TransferRequest) -> Answer[TransferMade]:
    """Move tokens from the caller to another player, once.

    Raises InvalidRequest (`self_transfer`, `amount_out_of_range`, `insufficient_balance`), NotFound
    (`unknown_recipient`), TooManyRequests, and the errors of `once`.
    """
    asset = transferable(context)
    if request.note and not is_visible(request.note):
        raise InvalidRequest("'note' must be visible characters.", parameter="note")
    sender = owner_of(context, caller)
    account_key = keys.account(sender.account, asset)
    members = {"to": request.to, "amount": request.amount, "note": request.note or None}

    def prepare(items: Items, strong: bool) -> Prepared:
        if request.to in (sender.player, sender.public):
            raise InvalidRequest("You cannot send tokens to yourself.", code="self_transfer", parameter="to")
        check_amount(request.amount)
        recipient = _recipient(context, items, request.to, strong=strong)
        account = read_account(items.get(account_key))
        now_ms = context.now_ms()
        sent = (account.sent or Sent()).add(request.amount, now_ms)
        account = usable(context, sender.account, asset, account, request.amount, now_ms, strong=strong)
        if account.available < request.amount:
            raise InsufficientBalance(account.balance, account.available, request.amount)
        return _prepared(context, sender, recipient, request, asset, account, sent, now_ms)

    asked = Asked(sender.account, request.idempotency_key, "transfer", members)
    answer = once(context, asked, [account_key, *owner_keys(context, request.to)], prepare)
    return answer.shaped(lambda outcome: _made(caller, request, outcome))


def _recipient(context: Context, items: Items, name: str, *, strong: bool) -> Owner:
    """Return the recipient. The cache may hold an erased player, so a strong read bypasses it."""
    owner = None
    if not strong:
        owner = owner_in(context, items, name)
    elif PLAYER_ID.fullmatch(name):
        with suppress(NotFound):
            owner = find_owner(context, name, refresh=True)
    if owner is None:
        raise NotFound("The recipient does not exist.", code="unknown_recipient")
    return owner


def _prepared(
    context: Context,
    sender: Owner,
    recipient: Owner,
    request: TransferRequest,
    asset: str,
    account: Account,
    sent: Sent,
    now_ms: int,
) -> Prepared:
    note = {"note": request.note} if request.note else {}
    transfer = Transfer(
        id=transfer_id(now_ms, sender.public, context.new_id()),
        asset=asset,
        source=sender.account,
        target=recipient.account,
        amount=request.amount,
        kind="transfer",
        created_at=now_ms,
        details_for={
            sender.account: note | {"public": recipient.public},
            recipient.account: note | {"public": sender.public},
        },
    )
    facts: dict[str, Any] = {"from": sender.player, "to": recipient.player, "amount": request.amount}
    tx = context.table.transaction()
    post_transfer(tx, transfer, context.rules.version, Change(read=account, sent=sent))
    return Prepared(
        tx,
        {"id": transfer.id, "createdAt": moment_name(now_ms), "balance": account.balance - request.amount},
        OutboxRecord(transfer.id, now_ms, "transfer", facts),
    )


def _made(caller: Caller, request: TransferRequest, outcome: dict[str, Any]) -> TransferMade:
    shown = TransferShown(outcome["id"], caller.player, request.to, request.amount, outcome["createdAt"])
    return TransferMade(success=True, transfer=shown, balance=outcome["balance"])
