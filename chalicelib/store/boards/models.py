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
    """A subject's score on a board. Without `board` and `order` it is not on the index: the subject left the board.

    `board` is the board's id. The index has the attributes that are not null here, but neither version nor score: the
    order contains the score.
    """

    in_parts = True

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
    """The progress of a board shard's writer: `seq` is done, `pending` has begun. `repair`: a repair in progress."""

    in_parts = True

    seq = NumberAttribute(null=True)
    pending = NumberAttribute(null=True)
    intent = BinaryAttribute(legacy_encoding=False, null=True)
    frozen = NumberAttribute(null=True)
    latest = NumberAttribute(null=True)
    repair = BinaryAttribute(legacy_encoding=False, null=True)
    expires = NumberAttribute(null=True)


class ArchiveItem(Kind):
    """The archive of a board when its period was closed, and the progress of publishing its ranks.

    `waiting`: ranks to publish, while there are any. `tie`: the score and rank of a tie group beyond them. The fields
    of the progress are how many of `waiting` are published, and the last subject of the group, in order, whose rank is.
    """

    in_parts = True

    total = NumberAttribute()
    top: Json[list[Place]] = Json(list[Place])
    frozen_at = NumberAttribute(attr_name="frozenAt")
    waiting = BinaryAttribute(legacy_encoding=False, null=True)
    published = NumberAttribute(null=True)
    tie: Json[tuple[int, int]] = Json(tuple[int, int], null=True)
    published_until = UnicodeAttribute(attr_name="publishedUntil", null=True)
    done = NumberAttribute(null=True)
    expires = NumberAttribute(null=True)
