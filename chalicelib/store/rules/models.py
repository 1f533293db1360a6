"""The item kind that records how far a ruleset has been applied to the players."""

from __future__ import annotations

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from chalicelib.store.core.models import Kind


class RulesetRunItem(Kind):
    """The latest run. `place_*`: the key after which the scan of players continues."""

    ruleset = UnicodeAttribute()
    run = UnicodeAttribute()
    began = NumberAttribute()
    sent = NumberAttribute()
    place_pk = UnicodeAttribute(attr_name="placePk", null=True)
    place_sk = UnicodeAttribute(attr_name="placeSk", null=True)
    done = NumberAttribute(null=True)
