"""Item kinds of failed messages and of the event backlog."""

from __future__ import annotations

from pynamodb.attributes import (
    BinaryAttribute,
    BooleanAttribute,
    NumberAttribute,
    UnicodeAttribute,
)

from chalicelib.domain.events.rejections import Rejections
from chalicelib.store.core.codecs import Json
from chalicelib.store.core.models import Kind


class ReceivedItem(Kind):
    """The sending time of the oldest message that workers received. The key holds source queue and minute."""

    in_parts = True

    least = NumberAttribute()
    expires = NumberAttribute()


class BacklogItem(Kind):
    """The results of backlog checks for a bound: clear since when, and confirmed. The key holds the bound."""

    clear_since = NumberAttribute(attr_name="clearSince", null=True)
    confirmed = BooleanAttribute(null=True)
    expires = NumberAttribute()


class NoteItem(Kind):
    """The reason for which a message failed at its latest delivery."""

    in_parts = True

    queue = UnicodeAttribute()
    reason = UnicodeAttribute()
    sentence = UnicodeAttribute()
    attempts = NumberAttribute()
    body_hash = UnicodeAttribute()
    first_at = NumberAttribute()
    last_at = NumberAttribute()
    origin = UnicodeAttribute()
    expires = NumberAttribute()


class FailureItem(NoteItem):
    """A failed message: `body` (compressed), or the number of `parts` that hold it."""

    received_at = NumberAttribute()
    body = BinaryAttribute(legacy_encoding=False, null=True)
    parts = NumberAttribute(null=True)
    rejections: Json[Rejections] = Json(Rejections, null=True)
    message_group = UnicodeAttribute(null=True)
