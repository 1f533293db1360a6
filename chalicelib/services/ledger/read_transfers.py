"""Transfers that a player sent to others or received from them, newest first."""

from __future__ import annotations

import re
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from chalicelib.domain.core.periods import moment_name
from chalicelib.services.context import Context
from chalicelib.services.core.cursors import cursor_of, parts_of
from chalicelib.services.identity.authenticate import Caller
from chalicelib.services.identity.owners import owner_of
from chalicelib.services.ledger.assets import transferable
from chalicelib.services.ledger.counterparties import name_others
from chalicelib.store.ledger.postings import NEWEST, Posted, postings_before

Direction = Literal["sent", "received", "all"]
# Queries for one answer, 100 KB each at most. A player with few transfers among many credits gets a short page.
MAX_QUERIES, QUERIED = 10, 100
_CURSOR = re.compile(r"([0-9a-f]{37})")


class TransferView(
    msgspec.Struct, omit_defaults=True, kw_only=True, rename={"sender": "from", "created_at": "createdAt"}
):
    """A transfer as one of its two players sees it."""

    id: str
    sender: str
    to: str
    amount: int
    created_at: str
    direction: Literal["sent", "received"]
    note: str = ""


class TransferList(msgspec.Struct):
    """A page, newest first. `cursor` requests the next page; null at the end."""

    transfers: list[TransferView]
    cursor: str | None


class TransfersQuery(msgspec.Struct):
    direction: Direction = "all"
    cursor: Annotated[str, Meta(max_length=160, description="The `cursor` of the previous page.")] | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 50


def read_transfers(
    context: Context, caller: Caller, direction: Direction = "all", cursor: str | None = None, limit: int = 50
) -> TransferList:
    """Return a page of the caller's transfers. Raises InvalidRequest for a cursor that no answer returned."""
    owner, asset = owner_of(context, caller), transferable(context)
    before = parts_of(cursor, _CURSOR)[0] if cursor else NEWEST
    found: list[Posted] = []
    more = True
    for _ in range(MAX_QUERIES):
        rows = postings_before(context.table, owner.account, asset, before, QUERIED)
        selected = [row for row in rows if row.kind == "transfer" and direction in ("all", _direction(row))]
        room = limit - len(found)
        found += selected[:room]
        if len(selected) >= room:
            more = len(selected) > room or len(rows) == QUERIED
            before = found[-1].id
            break
        if len(rows) < QUERIED:
            more = False
            break
        before = rows[-1].id
    name = name_others(context, found, whole=False)
    return TransferList([_shown(row, owner.player, name(row)) for row in found], cursor_of(before) if more else None)


def _direction(posting: Posted) -> Literal["sent", "received"]:
    return "sent" if posting.amount < 0 else "received"


def _shown(posting: Posted, own: str, other: str) -> TransferView:
    sent = posting.amount < 0
    return TransferView(
        id=posting.id,
        sender=own if sent else other,
        to=other if sent else own,
        amount=abs(posting.amount),
        created_at=moment_name(posting.created_at),
        direction=_direction(posting),
        note=posting.note,
    )
