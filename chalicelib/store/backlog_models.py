"""Item kinds that say whether events from before a period's bound may still wait, beside those in `models`."""

from __future__ import annotations

from pynamodb.attributes import BooleanAttribute, NumberAttribute

from chalicelib.store.models import Kind


class ReceivedItem(Kind):
    """Of a source queue and a minute (the key tells): when the oldest message was sent that workers received."""

    least = NumberAttribute()
    expires = NumberAttribute()


class BacklogItem(Kind):
    """What looks at the source queues have shown of a bound (the key tells): clear since when, and confirmed."""

    clear_since = NumberAttribute(attr_name="clearSince", null=True)
    confirmed = BooleanAttribute(null=True)
    expires = NumberAttribute()
