"""A player's open holds."""

from __future__ import annotations

import re
from typing import Annotated

import msgspec
from msgspec import Meta

from chalicelib.services.context import Context
from chalicelib.services.core.cursors import cursor_of, parts_of
from chalicelib.services.identity.authenticate import Caller
from chalicelib.services.identity.owners import owner_of
from chalicelib.services.ledger.hold_shown import HoldShown, hold_shown
from chalicelib.store.ledger.holds import open_holds_page

_CURSOR = re.compile(r"([0-9a-f]{37})")


class Holds(msgspec.Struct):
    """A page, newest first. `cursor` requests the next page; null at the end."""

    holds: list[HoldShown]
    cursor: str | None


class HoldsQuery(msgspec.Struct):
    cursor: Annotated[str, Meta(max_length=64, description="The `cursor` of the previous page.")] | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 50


def read_holds(context: Context, caller: Caller, *, cursor: str | None = None, limit: int = 50) -> Holds:
    """Return the caller's open holds of all assets. Raises InvalidRequest for a cursor that no answer returned."""
    after = parts_of(cursor, _CURSOR)[0] if cursor else None
    page, more = open_holds_page(context.table, owner_of(context, caller).account, limit, after)
    now_ms = context.now_ms()
    return Holds(
        [hold_shown(hold) for hold in page if not hold.has_expired(now_ms)], cursor_of(page[-1].id) if more else None
    )
