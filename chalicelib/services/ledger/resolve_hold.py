"""Post or void a hold: once, also under concurrent requests, and never after its expiry."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from chalicelib.domain.core.errors import ConflictingState, LostRace, NotFound
from chalicelib.domain.identity.owner import Owner
from chalicelib.domain.ledger.holds import OPEN, POSTED, VOID, Hold, check_amount
from chalicelib.domain.ledger.transfer import BURN, Transfer, located, transfer_id
from chalicelib.services.context import Context
from chalicelib.services.core.answer import Answer
from chalicelib.services.core.retry_until_known import settle
from chalicelib.services.identity.authenticate import Caller
from chalicelib.services.identity.owners import owner_of
from chalicelib.services.ledger.hold_shown import HoldShown, hold_shown
from chalicelib.store.core.transaction import Transaction
from chalicelib.store.ledger import holds

# A hold ends once: after that, a write that was not answered fails.
FINAL = ("hold_resolved", "hold_expired")
# The end of a hold: its state and the posted amount.
Ending = tuple[str, int]


class PostRequest(msgspec.Struct, forbid_unknown_fields=True):
    amount: Annotated[
        int | None, Meta(description="1 to the held amount. Default: all of it. The rest is released.")
    ] = None


class HoldResolved(msgspec.Struct):
    success: bool
    hold: HoldShown


def post_hold(context: Context, caller: Caller, hold_id: str, request: PostRequest) -> Answer[HoldResolved]:
    """Burn the amount of the caller's hold, or a part of it; a repeated request gets the same answer.

    Raises NotFound, ConflictingState (`hold_resolved`, `hold_expired`), InvalidRequest (`amount_out_of_range`), and
    the errors of `settle`.
    """
    return _resolve(context, caller, hold_id, post=True, amount=request.amount)


def void_hold(context: Context, caller: Caller, hold_id: str) -> Answer[HoldResolved]:
    """Release the amount of the caller's hold; a repeated request, or one after its expiry, gets the same answer.

    Raises NotFound, ConflictingState (`hold_resolved`), and the errors of `settle`.
    """
    return _resolve(context, caller, hold_id, post=False)


def _resolve(
    context: Context, caller: Caller, hold_id: str, *, post: bool, amount: int | None = None
) -> Answer[HoldResolved]:
    owner = owner_of(context, caller)
    tried: list[Hold] = []

    def attempt() -> Answer[HoldResolved]:
        now_ms = context.now_ms()
        hold = _own(context, owner, hold_id, now_ms)
        requested = (POSTED, hold.amount if amount is None else amount) if post else (VOID, 0)
        if hold.state != OPEN:
            return _again(hold, requested, mine=hold in tried)
        if post:
            check_amount(requested[1], hold.amount)
        tx = context.table.transaction()
        done = _add_end(tx, context, owner, hold, requested, now_ms)
        tried.append(done)
        tx.commit()
        if done.by_expiry:
            raise LostRace("it was already void, which is recorded now")
        return _answer(done)

    return settle(context, attempt, final=FINAL)


def _own(context: Context, owner: Owner, hold_id: str, now_ms: int) -> Hold:
    hold = holds.load_hold(context.table, owner.account, hold_id, now_ms) if located(hold_id) else None
    if hold is None or not hold.is_players:
        raise NotFound("You have no such hold.")
    return hold


def _add_end(tx: Transaction, context: Context, owner: Owner, hold: Hold, requested: Ending, now_ms: int) -> Hold:
    """Add the end of the hold to the transaction; return the hold after that.

    An expired hold becomes void first, for any requested end, so that no pending write can end it differently.
    """
    state, amount = requested
    if state == VOID or hold.has_expired(now_ms):
        void = hold.as_void(now_ms)
        holds.void_hold(tx, hold, void, now_ms)
        return void
    made = transfer_id(now_ms, owner.public, context.new_id())
    posted = hold.as_posted(amount, made, now_ms)
    transfer = Transfer(made, hold.asset, hold.account, BURN, amount, "hold", now_ms, {"hold": hold.id})
    holds.post_hold(tx, hold, posted, transfer, context.rules.version, now_ms)
    return posted


def _again(hold: Hold, requested: Ending, *, mine: bool) -> Answer[HoldResolved]:
    """Return the answer for a hold that has ended. `mine`: this request ended it and lost the answer."""
    if requested == (hold.state, hold.posted):
        return _answer(hold, replayed=hold.by_expiry or not mine)
    if hold.by_expiry:
        check_amount(requested[1], hold.amount)
        raise ConflictingState("This hold has expired.", code="hold_expired", expiresAt=hold_shown(hold).expires_at)
    raise ConflictingState(
        "This hold was already resolved in another way.", code="hold_resolved", status=hold.state, posted=hold.posted
    )


def _answer(hold: Hold, *, replayed: bool = False) -> Answer[HoldResolved]:
    return Answer.of(HoldResolved(success=True, hold=hold_shown(hold)), replayed=replayed)
