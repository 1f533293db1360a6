"""A player's balance of an asset."""

from __future__ import annotations

import msgspec

from chalicelib.services.context import Context
from chalicelib.services.identity.authenticate import Caller
from chalicelib.services.identity.owners import owner_of
from chalicelib.services.ledger.assets import AssetName, known_asset
from chalicelib.services.ledger.expire_holds import settled_account


class Balance(msgspec.Struct):
    """A balance. `balance` = `held` + `available`; expired holds do not count."""

    asset: str
    balance: int
    held: int
    available: int


class BalanceQuery(msgspec.Struct):
    asset: AssetName | None = None


def read_balance(context: Context, caller: Caller, asset: str | None = None) -> Balance:
    """Return the caller's balance, by default of the asset that players send. Raises InvalidRequest if unknown."""
    asset = known_asset(context, asset)
    account = settled_account(context, owner_of(context, caller).account, asset)
    return Balance(asset, account.balance, account.held, account.available)
