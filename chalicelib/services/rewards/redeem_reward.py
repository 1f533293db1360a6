"""Redeem a reward: atomically pay its cost, or hold it until fulfilment, and record the redemption."""

from __future__ import annotations

from typing import Any

import msgspec

from chalicelib.domain.core.errors import InsufficientBalance
from chalicelib.domain.core.periods import moment_name
from chalicelib.domain.identity.owner import Owner
from chalicelib.domain.ledger.holds import Hold
from chalicelib.domain.ledger.transfer import REWARDS, Transfer, transfer_id
from chalicelib.domain.rewards.outbox_messages import REDEEMED
from chalicelib.domain.rewards.rewards import COMPLETED, PENDING, Listed, check_known, check_redeemable
from chalicelib.services.context import Context
from chalicelib.services.core.answer import Answer
from chalicelib.services.core.idempotency import Asked, IdempotencyKey, Items, Prepared, once
from chalicelib.services.identity.authenticate import Caller
from chalicelib.services.identity.owners import owner_of
from chalicelib.services.ledger.expire_holds import usable
from chalicelib.services.rewards.redemption_shown import RedemptionShown
from chalicelib.store.core.outbox import OutboxRecord
from chalicelib.store.ledger import keys as ledger_keys
from chalicelib.store.ledger.accounts import Account, Change, read_account
from chalicelib.store.ledger.double_entry import post_transfer
from chalicelib.store.ledger.holds import add_hold
from chalicelib.store.rewards import keys as rewards_keys
from chalicelib.store.rewards.redemptions import Redemption, add_redemption
from chalicelib.store.rewards.rewards import count_redeemed, read_redeemed, read_reward, reward_keys, take_stock


class RedeemRequest(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    idempotency_key: IdempotencyKey


class RedemptionMade(msgspec.Struct):
    """The result of a redemption. `balance`: of the asset, after it; the hold of a pending one is still part of it."""

    success: bool
    redemption: RedemptionShown
    balance: int


def redeem_reward(context: Context, caller: Caller, reward_id: str, request: RedeemRequest) -> Answer[RedemptionMade]:
    """Redeem a reward for the caller at its current cost, once.

    Raises NotFound, ConflictingState (`not_available`, `limit_reached`, `out_of_stock`), InsufficientBalance, which is
    the only stored refusal, and the errors of `once`.
    """
    check_known(reward_id)
    owner = owner_of(context, caller)
    assets = redeemable(context)
    counted = rewards_keys.redeemed(owner.account, reward_id)
    # The reward's asset is unknown before the read, so the read includes the accounts of all redeemable assets.
    own = [counted, *(ledger_keys.account(owner.account, asset) for asset in assets)]
    required = [*reward_keys(reward_id), *own]

    def prepare(items: Items, strong: bool) -> Prepared:
        now_ms = context.now_ms()
        found = read_reward(items, reward_id)
        listed = check_redeemable(found, read_redeemed(items.get(counted)), assets, now_ms)
        asset, cost = listed.reward.asset, listed.reward.cost
        account = read_account(items.get(ledger_keys.account(owner.account, asset)))
        account = usable(context, owner.account, asset, account, cost, now_ms, strong=strong)
        if account.available < cost:
            raise InsufficientBalance(account.balance, account.available, cost)
        return _prepared(context, owner, listed, account, now_ms)

    asked = Asked(owner.account, request.idempotency_key, "redeem", {"reward": reward_id})
    return once(context, asked, required, prepare, steady=own).shaped(lambda outcome: _made(reward_id, outcome))


def redeemable(context: Context) -> tuple[str, ...]:
    """Return the assets that rewards may cost."""
    return tuple(name for name, asset in context.rules.ruleset.assets.items() if asset.redeemable)


def _prepared(context: Context, owner: Owner, listed: Listed, account: Account, now_ms: int) -> Prepared:
    reward = listed.reward
    id_ = transfer_id(now_ms, owner.public, context.new_id())
    status = PENDING if reward.fulfilment else COMPLETED
    made = Redemption(
        id=id_,
        account=owner.account,
        reward=listed.id,
        cost=reward.cost,
        asset=reward.asset,
        status=status,
        stocked=reward.stock is not None,
        limited=reward.per_player is not None,
        transfer=None if reward.fulfilment else id_,
    )
    tx = context.table.transaction()
    if status == COMPLETED:
        post_transfer(tx, payment(made, made.id, made.created_at), context.rules.version, Change(read=account))
    else:
        add_hold(tx, hold_of(made), account)
    add_redemption(tx, made, context.rules.version)
    take_stock(tx, listed)
    count_redeemed(tx, owner.account, listed)
    outcome = {
        "id": id_,
        "cost": made.cost,
        "asset": made.asset,
        "status": status,
        "createdAt": moment_name(now_ms),
        "balance": account.balance - (made.cost if status == COMPLETED else 0),
    }
    return Prepared(tx, outcome, OutboxRecord(id_, now_ms, REDEEMED, facts_of(made, owner.player)))


def hold_of(made: Redemption) -> Hold:
    """Return the hold of a pending redemption. It lasts until the redemption is resolved, without an expiry."""
    return Hold(made.id, made.account, made.asset, made.cost, made.created_at, purpose=made.id)


def payment(made: Redemption, id_: str, now_ms: int) -> Transfer:
    """Return the transfer that pays for a redemption."""
    details = {"redemption": made.id, "reward": made.reward}
    return Transfer(id_, made.asset, made.account, REWARDS, made.cost, "redemption", now_ms, details)


def facts_of(made: Redemption, player: str) -> dict[str, Any]:
    """Return the facts of an outbox record about a redemption."""
    return {
        "player": player,
        "redemption": made.id,
        "reward": made.reward,
        "cost": made.cost,
        "asset": made.asset,
        "status": made.status,
    }


def _made(reward_id: str, outcome: dict[str, Any]) -> RedemptionMade:
    members = {name: outcome[name] for name in ("id", "cost", "asset", "status")}
    shown = RedemptionShown(reward_id=reward_id, created_at=outcome["createdAt"], **members)
    return RedemptionMade(success=True, redemption=shown, balance=outcome["balance"])
