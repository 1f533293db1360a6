"""The status of Laurel and its ruleset."""

from __future__ import annotations

import msgspec

from chalicelib.services.context import Context


class Status(msgspec.Struct):
    """The status. `ruleset`: the version of the ruleset in use."""

    status: str
    ruleset: str


def read_status(context: Context) -> Status:
    """Return that Laurel answers."""
    return Status("ok", context.rules.version)
