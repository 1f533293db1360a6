"""Verify the ledger during transfers: pairs of postings, balances against postings, available against open holds."""

from __future__ import annotations

from collections.abc import Callable

from chalicelib.domain.core.errors import InvalidRequest
from chalicelib.domain.core.sentences import not_one_of
from chalicelib.services.context import Context
from chalicelib.services.operations.ledger_check import AccountCheck, LedgerCheck
from chalicelib.services.operations.suspects import Verified


def verify_ledger(
    context: Context, wait: Callable[[], None], account: str | None = None, asset: str | None = None
) -> Verified:
    """Verify the whole ledger, or one account, given by its id or its player's id. Of one asset or of all.

    `wait()`: the pause before a second read. Raises NotFound for an account without any data, InvalidRequest for an
    asset that the ruleset does not have.
    """
    known = list(context.rules.ruleset.assets)
    if asset is not None and asset not in known:
        raise InvalidRequest(not_one_of("asset", asset, known), parameter="asset", allowed=known)
    if account is not None:
        return AccountCheck(context, wait, asset).run(account)
    check = LedgerCheck(context, wait, asset)
    check.run()
    return check.verified
