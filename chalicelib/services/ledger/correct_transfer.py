"""Take a transfer back by another one that names it: once each, for good."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from chalicelib.domain.core.errors import (
    ConflictingState,
    InsufficientBalance,
    InvalidRequest,
    LaurelError,
    LostRace,
    NotFound,
)
from chalicelib.domain.core.periods import moment_name
from chalicelib.domain.identity.owner import Owner
from chalicelib.domain.identity.visible_text import is_visible
from chalicelib.domain.ledger.transfer import MAX_BALANCE, Transfer, is_system, located, transfer_id
from chalicelib.services.context import Context
from chalicelib.services.core.answer import Answer
from chalicelib.services.core.retry_until_known import settle
from chalicelib.services.identity.audit import audit
from chalicelib.services.identity.authenticate import Caller
from chalicelib.services.identity.owners import find_owner
from chalicelib.services.ledger.counterparties import name_others
from chalicelib.services.ledger.expire_holds import usable
from chalicelib.services.ledger.grant_tokens import Reason
from chalicelib.store.core.transaction import Transaction
from chalicelib.store.ledger.accounts import load_account
from chalicelib.store.ledger.corrections import Corrected, load_corrected, mark_corrected
from chalicelib.store.ledger.double_entry import post_transfer
from chalicelib.store.ledger.postings import Posted, find_posting


class CorrectionRequest(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """`transferId`: of a transfer of any kind, a correction too."""

    transfer_id: Annotated[str, Meta(min_length=1, max_length=64)]
    reason: Reason | None = None


class CorrectionShown(
    msgspec.Struct, omit_defaults=True, kw_only=True, rename={"sender": "from", "created_at": "createdAt"}
):
    """`corrects`: the transfer that it takes back; `from` gives back what it had received."""

    id: str
    corrects: str
    asset: str
    sender: str
    to: str
    amount: int
    created_at: str
    reason: str = ""


class CorrectionMade(msgspec.Struct):
    success: bool
    transfer: CorrectionShown


def correct_transfer(context: Context, caller: Caller, request: CorrectionRequest) -> Answer[CorrectionMade]:
    """Take a transfer back; what was corrected before is answered as it was then.

    Raises NotFound; InsufficientBalance if what was received is gone, which may be tried again; ConflictingState
    (`account_closed`, `balance_limit`), and what `settle` raises.
    """
    if request.reason is not None and not is_visible(request.reason):
        raise InvalidRequest("'reason' must be visible characters.", parameter="reason")
    owner = _owner(context, request.transfer_id)
    found = find_posting(context.table, owner.account, list(context.rules.ruleset.assets), request.transfer_id)
    if found is None:
        raise _unknown()
    asset, posting = found
    mine: set[str] = set()

    def attempt() -> Answer[CorrectionMade]:
        known = load_corrected(context.table, posting.id)
        if known is not None:
            return _answer(context, owner, asset, posting, known, replayed=known.by not in mine)
        try:
            correction = _correction(context, owner, asset, posting, request.reason)
        except LaurelError as refusal:
            # What another admin has just taken back is gone for that very reason.
            if load_corrected(context.table, posting.id):
                raise LostRace("it was corrected meanwhile") from refusal
            raise
        mine.add(correction.id)
        corrected = Corrected(correction.id, request.reason or "")
        tx = context.table.transaction()
        _add(tx, context, caller, owner, correction, corrected)
        tx.commit()
        return _answer(context, owner, asset, posting, corrected)

    return settle(context, attempt)


def _add(
    tx: Transaction, context: Context, caller: Caller, owner: Owner, correction: Transfer, corrected: Corrected
) -> None:
    taken_back = correction.details["corrects"]
    told = {"transferId": taken_back, "asset": correction.asset, "amount": correction.amount}
    if corrected.reason:
        told["reason"] = corrected.reason
    mark_corrected(tx, taken_back, corrected)
    post_transfer(tx, correction, context.rules.version)
    audit(tx, caller, "correction", correction.id, correction.created_at, owner.player, **told)


def _unknown() -> NotFound:
    return NotFound("There is no such transfer.")


def _owner(context: Context, id_: str) -> Owner:
    """The player on whose account a transfer's id says it is."""
    place = located(id_)
    if place is None:
        raise _unknown()
    try:
        owner = find_owner(context, place[1])
    except NotFound as nobody:
        raise _unknown() from nobody
    if owner.public != place[1]:
        raise _unknown()
    return owner


def _correction(context: Context, owner: Owner, asset: str, posting: Posted, reason: str | None) -> Transfer:
    """The transfer that takes it back. Raises InsufficientBalance, ConflictingState, or LostRace to try again."""
    now_ms, amount = context.now_ms(), abs(posting.amount)
    payer, taker = (posting.other, owner.account) if posting.amount < 0 else (owner.account, posting.other)
    if not is_system(payer):
        account = load_account(context.table, payer, asset)
        account = usable(context, payer, asset, account, amount, now_ms, strong=True)
        if account.available < amount:
            raise InsufficientBalance(account.balance, account.available, amount)
    if not is_system(taker):
        account = load_account(context.table, taker, asset)
        if account.closed:
            raise ConflictingState("Who would get it back is no more.", code="account_closed")
        if account.balance + amount > MAX_BALANCE:
            raise ConflictingState(f"A balance is at most {MAX_BALANCE}.", code="balance_limit", maximum=MAX_BALANCE)
    seen_by: dict[str, dict[str, Any]] = {}
    if posting.public:
        seen_by = {owner.account: {"public": posting.public}, posting.other: {"public": owner.public}}
    return Transfer(
        id=transfer_id(now_ms, owner.public, context.new_id()),
        asset=asset,
        source=payer,
        target=taker,
        amount=amount,
        kind="correction",
        created_at=now_ms,
        details={"corrects": posting.id} | ({"reason": reason} if reason else {}),
        seen_by=seen_by,
    )


def _answer(
    context: Context, owner: Owner, asset: str, posting: Posted, corrected: Corrected, *, replayed: bool = False
) -> Answer[CorrectionMade]:
    other = name_others(context, [posting], whole=True)(posting)
    given = posting.amount < 0
    place = located(corrected.by)
    shown = CorrectionShown(
        id=corrected.by,
        corrects=posting.id,
        asset=asset,
        sender=other if given else owner.player,
        to=owner.player if given else other,
        amount=abs(posting.amount),
        created_at=moment_name(place[0] if place else 0),
        reason=corrected.reason,
    )
    return Answer.of(CorrectionMade(success=True, transfer=shown), replayed=replayed)
