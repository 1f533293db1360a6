"""Reading and writing until it is certain how it ended."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TypeVar

from chalicelib.domain.core.errors import LaurelError, LostRace, OutcomeUnknown
from chalicelib.services.context import Context
from chalicelib.services.core.idempotency import MAX_TRIES, NOT_ANSWERED
from chalicelib.store.core.outcomes import StoreError, Unknown

T = TypeVar("T")


def settle(context: Context, attempt: Callable[[], T], final: Collection[str] = ()) -> T:
    """Return what `attempt` returns, trying it again after a lost race and after a write that was not answered.

    An attempt reads strongly, and recognises its own earlier write. After a write that was not answered a refusal is
    believed only if its code is in `final`: what it says never changes again, and keeps that write from being done.
    Otherwise the write may still come, and the request ends as OutcomeUnknown. Raises what the last try raised.
    """
    unanswered = False

    def certain() -> T:
        nonlocal unanswered
        try:
            return attempt()
        except Unknown:
            unanswered = True
            raise
        except LaurelError as refusal:
            if unanswered and refusal.code not in final:
                raise OutcomeUnknown(NOT_ANSWERED) from refusal
            raise
        except StoreError as trouble:
            if unanswered:
                raise Unknown(str(trouble)) from trouble
            raise

    try:
        return context.retry.run(certain, again=(LostRace, Unknown), most=MAX_TRIES)
    except (LostRace, Unknown) as lost:
        if unanswered:
            raise OutcomeUnknown(NOT_ANSWERED) from lost
        raise
