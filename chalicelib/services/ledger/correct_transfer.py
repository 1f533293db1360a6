"""Reverse a transfer by a correction that names it: once per transfer, permanently."""

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
    """A request to reverse a transfer. `transferId`: a transfer of any kind, also a correction."""

    transfer_id: Annotated[str, Meta(min_length=1, max_length=64)]
    reason: Reason | None = None


class CorrectionShown(
    msgspec.Struct, omit_defaults=True, kw_only=True, rename={"sender": "from", "created_at": "createdAt"}
):
    """A correction. `corrects`: the reversed transfer. `from` returns what it had received."""

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
    """Reverse a transfer; for a transfer that was corrected before, return that correction.

    Raises NotFound; InsufficientBalance if the receiver has spent the amount, which may be retried; ConflictingState
    (`account_closed`, `balance_limit`); and the errors of `settle`.
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
            # The refusal may be the effect of another admin's correction of the same transfer.
            if load_corrected(context.table, posting.id):
                raise LostRace("another correction was first") from refusal
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
    corrected_id = correction.details["corrects"]
    facts = {"transferId": corrected_id, "asset": correction.asset, "amount": correction.amount}
    if corrected.reason:
        facts["reason"] = corrected.reason
    mark_corrected(tx, corrected_id, corrected)
    post_transfer(tx, correction, context.rules.version)
    audit(tx, caller, "correction", correction.id, correction.created_at, owner.player, **facts)


def _unknown() -> NotFound:
    return NotFound("There is no such transfer.")


def _owner(context: Context, id_: str) -> Owner:
    """Return the player whose account the id of a transfer names. Raises NotFound."""
    place = located(id_)
    if place is None:
        raise _unknown()
    try:
        owner = find_owner(context, place[1])
    except NotFound as unknown:
        raise _unknown() from unknown
    if owner.public != place[1]:
        raise _unknown()
    return owner


def _correction(context: Context, owner: Owner, asset: str, posting: Posted, reason: str | None) -> Transfer:
    """Return the transfer that reverses a posting. Raises InsufficientBalance, ConflictingState, LostRace to retry."""
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
            raise ConflictingState("The account to be credited is closed.", code="account_closed")
        if account.balance + amount > MAX_BALANCE:
            raise ConflictingState(
                f"A balance may be at most {MAX_BALANCE}.", code="balance_limit", maximum=MAX_BALANCE
            )
    details_for: dict[str, dict[str, Any]] = {}
    if posting.public:
        details_for = {owner.account: {"public": posting.public}, posting.other: {"public": owner.public}}
    return Transfer(
        id=transfer_id(now_ms, owner.public, context.new_id()),
        asset=asset,
        source=payer,
        target=taker,
        amount=amount,
        kind="correction",
        created_at=now_ms,
        details={"corrects": posting.id} | ({"reason": reason} if reason else {}),
        details_for=details_for,
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
