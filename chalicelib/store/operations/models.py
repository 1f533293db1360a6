"""Item kinds of what operators watch."""

from __future__ import annotations

from pynamodb.attributes import NumberAttribute

from chalicelib.store.core.models import Kind


class RunItem(Kind):
    """The last finished run of a scheduled function. `done`, `since`: in ms. `found`: the number of differences."""

    done = NumberAttribute()
    since = NumberAttribute()
    found = NumberAttribute()
