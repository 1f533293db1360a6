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
    """Of a source queue and a minute (the key tells): when the oldest message was sent that workers received."""

    least = NumberAttribute()
    expires = NumberAttribute()


class BacklogItem(Kind):
    """What looks at the source queues have shown of a bound (the key tells): clear since when, and confirmed."""

    clear_since = NumberAttribute(attr_name="clearSince", null=True)
    confirmed = BooleanAttribute(null=True)
    expires = NumberAttribute()


class NoteItem(Kind):
    """Why a message failed the last time it was delivered."""

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
    """A message that was set aside: `body` (compressed), or the number of `parts` that hold it."""

    received_at = NumberAttribute()
    body = BinaryAttribute(legacy_encoding=False, null=True)
    parts = NumberAttribute(null=True)
    rejections: Json[Rejections] = Json(Rejections, null=True)
    message_group = UnicodeAttribute(null=True)
