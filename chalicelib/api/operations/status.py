"""Whether the API answers, and by which ruleset."""

from __future__ import annotations

import msgspec

from chalicelib.api.blueprint import PREFIX, Blueprint
from chalicelib.api.request import Call

status = Blueprint(__name__)


class Status(msgspec.Struct):
    """`ruleset`: the version of the ruleset in use."""

    status: str
    ruleset: str


@status.route(f"{PREFIX}/status", tag="service", summary="Whether the API answers", answer=Status)
def read_status(call: Call) -> Status:
    return Status("ok", call.context.rules.version)
