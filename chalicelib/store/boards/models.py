"""Item kinds of boards."""

from __future__ import annotations

from pynamodb.attributes import (
    BinaryAttribute,
    BooleanAttribute,
    NumberAttribute,
    UnicodeAttribute,
)

from chalicelib.domain.boards.archive import Place
from chalicelib.store.core.codecs import Json
from chalicelib.store.core.models import Kind


class EntryItem(Kind):
    """A player's score on a board. Without `board` and `order` it is not on the index: it left the board.

    The index has what is not null here, and neither version nor score: the order tells the score.
    """

    version = NumberAttribute(attr_name="v", null=True)
    seq = NumberAttribute(attr_name="q", null=True)
    score = NumberAttribute(null=True)
    reached_at = NumberAttribute(attr_name="reachedAt", null=True)
    public = UnicodeAttribute()
    name = UnicodeAttribute(null=True)
    private = BooleanAttribute(null=True)
    hidden = BooleanAttribute(null=True)
    level = NumberAttribute()
    title = UnicodeAttribute()
    board = UnicodeAttribute(null=True)
    order = UnicodeAttribute(null=True)
    expires = NumberAttribute(null=True)


class BoardLogItem(Kind):
    """How far the writer of a board shard has come: `seq` done, `pending` begun. `repair`: one that is under way."""

    seq = NumberAttribute(null=True)
    pending = NumberAttribute(null=True)
    intent = BinaryAttribute(legacy_encoding=False, null=True)
    frozen = NumberAttribute(null=True)
    latest = NumberAttribute(null=True)
    repair = BinaryAttribute(legacy_encoding=False, null=True)
    expires = NumberAttribute(null=True)


class ArchiveItem(Kind):
    """What a board was when its period was closed, and how far its ranks have been told.

    `waiting`: players who are to be told their ranks, while there are any; `told` of them have been. `tie`: the
    score and rank of a group that goes on beyond them; `told_until`: the last of it, by id, who has been told.
    """

    total = NumberAttribute()
    top: Json[list[Place]] = Json(list[Place])
    frozen_at = NumberAttribute(attr_name="frozenAt")
    waiting = BinaryAttribute(legacy_encoding=False, null=True)
    told = NumberAttribute(null=True)
    tie: Json[tuple[int, int]] = Json(tuple[int, int], null=True)
    told_until = UnicodeAttribute(attr_name="toldUntil", null=True)
    done = NumberAttribute(null=True)
    expires = NumberAttribute(null=True)
