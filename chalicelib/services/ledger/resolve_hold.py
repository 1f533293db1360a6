"""Post a hold, or void it: once, whoever else tries, and never after it expired."""

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

# A hold ends once: a write that was not answered finds it ended.
FINAL = ("hold_resolved", "hold_expired")
# How it ended: state, and how much was posted.
Ending = tuple[str, int]


class PostRequest(msgspec.Struct, forbid_unknown_fields=True):
    amount: Annotated[int | None, Meta(description="1 to all of it, which is the default. The rest is released.")] = (
        None
    )


class HoldResolved(msgspec.Struct):
    success: bool
    hold: HoldShown


def post_hold(context: Context, caller: Caller, hold_id: str, request: PostRequest) -> Answer[HoldResolved]:
    """Burn what the caller's hold holds, or a part of it; the same again gets the same answer.

    Raises NotFound, ConflictingState (`hold_resolved`, `hold_expired`), InvalidRequest (`amount_out_of_range`), and
    what `settle` raises.
    """
    return _resolve(context, caller, hold_id, post=True, amount=request.amount)


def void_hold(context: Context, caller: Caller, hold_id: str) -> Answer[HoldResolved]:
    """Release all that the caller's hold holds; the same again, or after its expiry, gets the same answer.

    Raises NotFound, ConflictingState (`hold_resolved`), and what `settle` raises.
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
        wanted = (POSTED, hold.amount if amount is None else amount) if post else (VOID, 0)
        if hold.state != OPEN:
            return _again(hold, wanted, mine=hold in tried)
        if post:
            check_amount(wanted[1], hold.amount)
        tx = context.table.transaction()
        done = _add_end(tx, context, owner, hold, wanted, now_ms)
        tried.append(done)
        tx.commit()
        if done.by_expiry:
            raise LostRace("it was void already, which is noted now")
        return _told(done)

    return settle(context, attempt, final=FINAL)


def _own(context: Context, owner: Owner, hold_id: str, now_ms: int) -> Hold:
    hold = holds.load_hold(context.table, owner.account, hold_id, now_ms) if located(hold_id) else None
    if hold is None or not hold.is_players:
        raise NotFound("You have no such hold.")
    return hold


def _add_end(tx: Transaction, context: Context, owner: Owner, hold: Hold, wanted: Ending, now_ms: int) -> Hold:
    """Add what ends the hold; returns the hold as it is after that.

    One that expired is made void first, whatever is wanted of it: no write that is still under way ends it otherwise.
    """
    state, amount = wanted
    if state == VOID or hold.has_expired(now_ms):
        void = hold.as_void(now_ms)
        holds.void_hold(tx, hold, void, now_ms)
        return void
    made = transfer_id(now_ms, owner.public, context.new_id())
    posted = hold.as_posted(amount, made, now_ms)
    transfer = Transfer(made, hold.asset, hold.account, BURN, amount, "hold", now_ms, {"hold": hold.id})
    holds.post_hold(tx, hold, posted, transfer, context.rules.version, now_ms)
    return posted


def _again(hold: Hold, wanted: Ending, *, mine: bool) -> Answer[HoldResolved]:
    """What became of it. `mine`: by this very request, which lost the answer."""
    if wanted == (hold.state, hold.posted):
        return _told(hold, replayed=hold.by_expiry or not mine)
    if hold.by_expiry:
        check_amount(wanted[1], hold.amount)
        raise ConflictingState("This hold has expired.", code="hold_expired", expiresAt=hold_shown(hold).expires_at)
    raise ConflictingState(
        "This hold was resolved otherwise.", code="hold_resolved", status=hold.state, posted=hold.posted
    )


def _told(hold: Hold, *, replayed: bool = False) -> Answer[HoldResolved]:
    return Answer.of(HoldResolved(success=True, hold=hold_shown(hold)), replayed=replayed)
