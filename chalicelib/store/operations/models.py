"""Item kinds of what operators watch."""

from __future__ import annotations

from pynamodb.attributes import BinaryAttribute, NumberAttribute, UnicodeAttribute

from chalicelib.store.core.models import Kind


class RunItem(Kind):
    """The last finished run of a scheduled function. `done`, `since`: in ms. `found`: the number of differences."""

    done = NumberAttribute()
    since = NumberAttribute()
    found = NumberAttribute()


class HealthItem(Kind):
    """The status that a check of health found last, and since when it finds this one (ms)."""

    status = UnicodeAttribute()
    since = NumberAttribute()


class LedgerCheckItem(Kind):
    """The check of the ledger that is under way. `number`: of its last saved state; `parts`: of that, 0 if it is done.

    `form`: the form of the state, which only code that knows it continues.
    """

    number = NumberAttribute()
    parts = NumberAttribute()
    form = NumberAttribute()


class LedgerCheckPartItem(Kind):
    """A part of a saved state."""

    state = BinaryAttribute(legacy_encoding=False)
    expires = NumberAttribute()
