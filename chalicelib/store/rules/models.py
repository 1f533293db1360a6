"""The item kind that says how far a ruleset has been carried to the players, beside those in `models`."""

from __future__ import annotations

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from chalicelib.store.core.models import Kind


class RulesetRunItem(Kind):
    """The latest run. `place_*`: the key behind which the scan of players goes on."""

    ruleset = UnicodeAttribute()
    run = UnicodeAttribute()
    began = NumberAttribute()
    sent = NumberAttribute()
    place_pk = UnicodeAttribute(attr_name="placePk", null=True)
    place_sk = UnicodeAttribute(attr_name="placeSk", null=True)
    done = NumberAttribute(null=True)
