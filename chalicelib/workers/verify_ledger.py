"""Scheduled worker: verify the whole ledger once a day, in as many runs as it needs."""

from __future__ import annotations

from time import sleep
from typing import Any

from chalice.app import Blueprint, Rate

from chalicelib.observability import count, logger, observed
from chalicelib.services.operations.nightly_ledger import FUNCTION, verify_ledger_nightly
from chalicelib.workers.finish import finish
from chalicelib.workers.invocation import within_invocation
from chalicelib.workers.one_at_a_time import one_at_a_time

worker = Blueprint(__name__)
# Wait before differences are read again: most transfers in flight have arrived by then.
PAUSE_S = 10


@worker.schedule(Rate(15, unit=Rate.MINUTES))
@observed
@one_at_a_time
def verify_ledger(event: Any) -> dict[str, Any]:
    """Begin or continue the check of the day; return whether it is done, and its number of differences."""
    laurel = within_invocation(event.context)
    night = verify_ledger_nightly(laurel, lambda: sleep(PAUSE_S))
    if night is None:
        logger.info("verify_ledger", extra={"done": True, "before": True})
        return {"done": True, "differences": None}
    verified, differences = night.verified, len(night.verified.differences)
    for difference in night.differences:
        logger.error("ledger differs", extra={"account": difference.account, "difference": str(difference)})
    if night.done:
        for account in verified.restless:
            logger.warning("not verified, because it kept changing", extra={"account": account})
        finish(laurel, FUNCTION, differences)
    if night.done or differences:
        # A check that has found none so far must not end the alarm about those of the last night.
        count("LedgerDifferences", differences)
    logger.info(
        "verify_ledger",
        extra={
            "done": night.done,
            "transfers": verified.transfers,
            "postings": verified.postings,
            "accounts": verified.accounts,
            "differences": differences,
            "restless": len(verified.restless),
        },
    )
    return {"done": night.done, "differences": differences}
