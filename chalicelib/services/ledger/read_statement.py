"""An account's statement: every posting, newest first, with the balance after it.

The balance is exact during concurrent writes. Ids begin with the time at which a transfer was written, so no posting is
added before those of the last minute. The sum of the older postings stays valid, and a cursor contains it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated

import msgspec
from msgspec import Meta

from chalicelib.domain.core.errors import Unavailable
from chalicelib.domain.core.periods import moment_name
from chalicelib.services.context import Context
from chalicelib.services.core.cursors import cursor_of, parts_of, unknown_cursor
from chalicelib.services.identity.authenticate import Caller
from chalicelib.services.identity.owners import find_owner, owner_of
from chalicelib.services.ledger.assets import AssetName, known_asset
from chalicelib.services.ledger.counterparties import name_others
from chalicelib.store.ledger.accounts import load_account
from chalicelib.store.ledger.postings import NEWEST, Posted, postings_before

# Twice the time of a write with all its retries, plus the difference of clocks.
SETTLED_MS = 60_000
# An account that changes during all of these readings is written continuously.
MAX_READINGS = 12
_CURSOR = re.compile(r"([0-9a-f]{37})\.([0-9a-f]{11,37})\.(-?\d{1,18})")


class StatementLine(msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True):
    """One posting. `amount` is signed. `other`: a player, or a system account such as `@mint`.

    `causes`: what a payment of rules is for, with the amount of each. `details`: further data of this kind of transfer.
    """

    id: str
    kind: str
    amount: int
    other: str
    created_at: str
    balance_after: int
    note: str = ""
    reason: str = ""
    causes: dict[str, int] = {}
    corrects: str = ""
    details: dict[str, str] = {}


class Statement(msgspec.Struct):
    """A page, newest first. `cursor` requests the next page; null at the end."""

    asset: str
    postings: list[StatementLine]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class _Place:
    """The place where a page begins: before this id. `balance`: the permanent sum of all postings before `since`."""

    before: str
    since: str
    balance: int


class StatementQuery(msgspec.Struct):
    asset: AssetName | None = None
    cursor: Annotated[str, Meta(max_length=160, description="The `cursor` of the previous page.")] | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 50


def read_statement(
    context: Context,
    caller: Caller,
    player_id: str | None = None,
    *,
    asset: str | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Statement:
    """Return a page of the caller's statement, or for admins of the player with this id or public id.

    Raises NotFound; InvalidRequest for an unknown asset or cursor; Unavailable if the account changed all the time.
    """
    owner = owner_of(context, caller) if player_id is None else find_owner(context, player_id, refresh=True)
    asset = known_asset(context, asset)
    place = _place(cursor) if cursor else _newest(context, owner.account, asset)
    recent: list[Posted] = []
    if place.since != place.before:
        recent = postings_before(context.table, owner.account, asset, place.before, since=place.since)
    rows = recent[: limit + 1]
    if len(rows) <= limit:
        rows += postings_before(context.table, owner.account, asset, place.since, limit + 1 - len(rows))
    name = name_others(context, rows[:limit], whole=player_id is not None)
    balance = place.balance + sum(row.amount for row in recent)
    lines = []
    for row in rows[:limit]:
        lines.append(_line(row, name(row), balance))
        balance -= row.amount
    if len(rows) <= limit:
        return Statement(asset, lines, None)
    last = rows[limit - 1].id
    since, settled = (place.since, place.balance) if last >= place.since else (last, balance)
    return Statement(asset, lines, cursor_of(last, since, settled))


def _newest(context: Context, account_id: str, asset: str) -> _Place:
    """Return the place where a statement begins, with the balance without the postings of the last minute.

    Postings are never removed. So if two readings are equal, the same postings existed when the balance was read in
    between.
    """
    since = f"{context.now_ms() - SETTLED_MS:011x}"
    recent = postings_before(context.table, account_id, asset, NEWEST, since=since)
    for _ in context.retry.tries(MAX_READINGS):
        account = load_account(context.table, account_id, asset)
        again = postings_before(context.table, account_id, asset, NEWEST, since=since)
        if len(again) == len(recent):
            return _Place(NEWEST, since, account.balance - sum(row.amount for row in recent))
        recent = again
    raise Unavailable("Too many concurrent changes of this account; try again.")


def _place(cursor: str) -> _Place:
    """Decode a cursor. It is not signed: only the caller sees a forged balance."""
    before, since, balance = parts_of(cursor, _CURSOR)
    if since > before:
        raise unknown_cursor()
    return _Place(before, since, int(balance))


def _line(posting: Posted, other: str, balance: int) -> StatementLine:
    details = dict(posting.details)
    return StatementLine(
        id=posting.id,
        kind=posting.kind,
        amount=posting.amount,
        other=other,
        created_at=moment_name(posting.created_at),
        balance_after=balance,
        note=posting.note,
        reason=details.pop("reason", ""),
        causes=details.pop("causes", {}),
        corrects=details.pop("corrects", ""),
        details=details,
    )
