"""What a player has of an asset."""

from __future__ import annotations

import msgspec

from chalicelib.domain.core.errors import InvalidRequest
from chalicelib.services.context import Context
from chalicelib.services.identity.authenticate import Caller
from chalicelib.services.identity.owners import owner_of
from chalicelib.services.ledger.expire_holds import settled_account
from chalicelib.services.ledger.transfer_tokens import transferable


class Balance(msgspec.Struct):
    """`balance` = `held` + `available`; holds that have expired hold nothing."""

    asset: str
    balance: int
    held: int
    available: int


def read_balance(context: Context, caller: Caller, asset: str | None = None) -> Balance:
    """The caller's own, of the asset that players send unless another is named. Raises InvalidRequest for none."""
    asset = known_asset(context, asset)
    account = settled_account(context, owner_of(context, caller).account, asset)
    return Balance(asset, account.balance, account.held, account.available)


def known_asset(context: Context, asset: str | None) -> str:
    """An asset of the ruleset, by default the one that players send. Raises InvalidRequest."""
    if asset is None:
        return transferable(context)
    known = list(context.rules.ruleset.assets)
    if asset not in known:
        raise InvalidRequest(f"'asset' must be one of {', '.join(known)}.", parameter="asset", allowed=known)
    return asset
