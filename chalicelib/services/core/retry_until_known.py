"""Retry a write until its outcome is known."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TypeVar

from chalicelib.domain.core.errors import LaurelError, LostRace, OutcomeUnknown
from chalicelib.services.context import Context
from chalicelib.services.core.idempotency import MAX_TRIES, NOT_ANSWERED
from chalicelib.store.core.outcomes import StoreError, Unknown

T = TypeVar("T")


def settle(context: Context, attempt: Callable[[], T], final: Collection[str] = ()) -> T:
    """Return the result of `attempt`; retry it after a lost race and after a write that was not answered.

    An attempt reads strongly and recognises its own earlier write. After an unanswered write, a refusal counts only if
    its code is in `final`: such a state never changes again and makes that write fail. For other refusals the write may
    still succeed, so the request ends as OutcomeUnknown. Raises the error of the last try.
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
