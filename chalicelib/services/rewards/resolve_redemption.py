"""Resolve a redemption as an admin: fulfil or cancel a pending one, refund a paid one."""

from __future__ import annotations

from dataclasses import dataclass, replace

import msgspec

from chalicelib.domain.core.errors import ConflictingState, LostRace, NotFound
from chalicelib.domain.ledger.transfer import MAX_BALANCE, REWARDS, Transfer, transfer_id
from chalicelib.domain.rewards import rewards as domain
from chalicelib.domain.rewards.outbox_messages import CANCELLED, FULFILLED, REFUNDED
from chalicelib.domain.rewards.rewards import Resolution, status_after
from chalicelib.services.context import Context
from chalicelib.services.core.answer import Answer
from chalicelib.services.core.outbox import send_outbox_record
from chalicelib.services.core.retry_until_known import settle
from chalicelib.services.identity.audit import audit
from chalicelib.services.identity.authenticate import Caller
from chalicelib.services.rewards.redeem_reward import facts_of, hold_of, payment
from chalicelib.services.rewards.redemption_shown import RedemptionShown, redemption_shown
from chalicelib.store.core.outbox import OutboxRecord, add_outbox_record
from chalicelib.store.core.transaction import Transaction
from chalicelib.store.identity import keys
from chalicelib.store.identity.models import PublicItem
from chalicelib.store.ledger.accounts import Change, load_account
from chalicelib.store.ledger.corrections import Corrected, load_corrected, mark_corrected
from chalicelib.store.ledger.double_entry import post_transfer
from chalicelib.store.ledger.holds import post_hold, void_hold
from chalicelib.store.rewards.redemptions import Redemption, add_resolution, public_of, read_redemption, redemption_key
from chalicelib.store.rewards.rewards import return_stock, uncount_redeemed

# A redemption is resolved once and its payment reversed once: after that, a write that was not answered fails.
FINAL = ("redemption_resolved", "already_corrected")
KIND_OF = {domain.FULFILLED: FULFILLED, domain.CANCELLED: CANCELLED, domain.REFUNDED: REFUNDED}


class RedemptionResolved(msgspec.Struct):
    success: bool
    redemption: RedemptionShown


@dataclass(frozen=True, slots=True)
class Resolved:
    """A redemption after its resolution, and the transaction that resolves it."""

    after: Redemption
    tx: Transaction
    outbox: OutboxRecord | None


def resolve_redemption(
    context: Context, caller: Caller, redemption_id: str, resolution: Resolution
) -> Answer[RedemptionResolved]:
    """Fulfil, cancel or refund a redemption, each at most once; a repeated request gets the same answer.

    Raises NotFound; ConflictingState (`redemption_resolved`, `redemption_pending`, `already_corrected`,
    `account_closed`); the errors of `settle`.
    """
    tried: list[Resolved] = []

    def attempt() -> Answer[RedemptionResolved]:
        read, player = _read(context, redemption_id)
        for each in tried:
            if read == each.after:
                # The answer was lost, not the write.
                return _done(context, each)
        status = status_after(read.status, resolution)
        if status is None:
            return _answer(read, replayed=True)
        tried.append(_resolved(context, caller, read, status, player))
        tried[-1].tx.commit()
        return _done(context, tried[-1])

    return settle(context, attempt, final=FINAL)


def _read(context: Context, redemption_id: str) -> tuple[Redemption, str]:
    """Return a redemption and its player; '' if the player was erased. Raises NotFound."""
    key = redemption_key(redemption_id)
    items = context.table.get_many([key, keys.public(public_of(key))]) if key else {}
    if key is None or key not in items:
        raise NotFound("There is no such redemption.")
    owner = items.get(keys.public(public_of(key)))
    return read_redemption(items[key]), PublicItem.from_raw_data(owner).player if owner else ""


def _resolved(context: Context, caller: Caller, read: Redemption, status: str, player: str) -> Resolved:
    tx, now_ms = context.table.transaction(), context.now_ms()
    after = replace(read, status=status, resolved_at=now_ms)
    moved = transfer_id(now_ms, read.public, context.new_id())
    if status == domain.FULFILLED:
        after = replace(after, transfer=moved)
        _add_payment(tx, context, after, now_ms)
    elif status == domain.CANCELLED:
        hold = hold_of(read)
        void_hold(tx, hold, hold.as_void(now_ms), now_ms)
    else:
        after = replace(after, refund=moved)
        _add_refund(tx, context, after, now_ms)
    if status != domain.FULFILLED:
        _add_returns(tx, read)
    add_resolution(tx, read, after)
    audit(tx, caller, KIND_OF[status], context.new_id(), now_ms, player, redemption=read.id)
    outbox = OutboxRecord(f"{read.id}.{status}", now_ms, KIND_OF[status], facts_of(after, player)) if player else None
    if outbox:
        add_outbox_record(tx, outbox)
    return Resolved(after, tx, outbox)


def _add_payment(tx: Transaction, context: Context, after: Redemption, now_ms: int) -> None:
    hold, transfer = hold_of(after), payment(after, after.transfer or "", now_ms)
    posted = hold.as_posted(after.cost, transfer.id, now_ms)
    post_hold(tx, hold, posted, transfer, context.rules.version, now_ms)


def _add_refund(tx: Transaction, context: Context, after: Redemption, now_ms: int) -> None:
    """Add a transfer back. This refund and a correction of the payment exclude each other."""
    paid, back = after.transfer or "", after.refund or ""
    if load_corrected(context.table, paid):
        if _read(context, after.id)[0].status == domain.REFUNDED:
            raise LostRace("another admin refunded it first")
        raise ConflictingState("The payment of this redemption was already reversed.", code="already_corrected")
    account = load_account(context.table, after.account, after.asset)
    if account.closed:
        raise ConflictingState("The player's account is closed.", code="account_closed")
    if account.balance + after.cost > MAX_BALANCE:
        raise ConflictingState(f"A balance may be at most {MAX_BALANCE}.", code="balance_limit", maximum=MAX_BALANCE)
    details = {"redemption": after.id, "reward": after.reward, "corrects": paid}
    transfer = Transfer(back, after.asset, REWARDS, after.account, after.cost, "refund", now_ms, details)
    post_transfer(tx, transfer, context.rules.version, credit=Change(read=account))
    mark_corrected(tx, paid, Corrected(back))


def _add_returns(tx: Transaction, read: Redemption) -> None:
    """Return the redemption's unit to the stock and to the player's limit."""
    if read.stocked:
        return_stock(tx, read.reward)
    if read.limited:
        uncount_redeemed(tx, read.account, read.reward)


def _done(context: Context, resolved: Resolved) -> Answer[RedemptionResolved]:
    if resolved.outbox:
        send_outbox_record(context, resolved.outbox)
    return _answer(resolved.after)


def _answer(read: Redemption, *, replayed: bool = False) -> Answer[RedemptionResolved]:
    shown = RedemptionResolved(success=True, redemption=redemption_shown(read))
    return Answer.of(shown, replayed=replayed)
