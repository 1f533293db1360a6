"""Moments that arrive as text: RFC 3339, truncated to milliseconds, within the calendar's years 1 to 9999."""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache
from typing import Annotated, Any

from msgspec import Meta

from chalicelib.domain.core.periods import DAY_MS, MINUTE_MS, moment_name, number_of

# 0001-01-01T00:00:00.000Z and 9999-12-31T23:59:59.999Z: every moment between them has a date in UTC.
FIRST_MS, LAST_MS = -62_135_596_800_000, 253_402_300_799_999
EXAMPLE = "2026-05-19T12:00:00Z"
# RFC 3339 allows a blank in place of the T; some producers leave out the offset's colon.
_RFC3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ]([01]\d|2[0-3]):([0-5]\d):([0-5]\d|60)(?:\.(\d+))?"
    r"(?:[Zz]|([+-])([01]\d|2[0-3]):?([0-5]\d))?",
    re.ASCII,
)


class Instant:
    """A moment that was sent as text. `ms`: milliseconds since 1970, truncated, never rounded up.

    This is a plain class, because msgspec decodes a dataclass from an object and does not call the hook for it.
    """

    __slots__ = ("ms",)

    def __init__(self, ms: int) -> None:
        self.ms = ms

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Instant) and self.ms == other.ms

    def __hash__(self) -> int:
        return hash(self.ms)

    def __repr__(self) -> str:
        return f"Instant({self.ms})"


# The type of a member that holds a moment. Decode it with `dec_hook=decode_moment`.
Moment = Annotated[Instant, Meta(extra_json_schema={"type": "string", "format": "date-time"})]


def instant_of(text: str) -> Instant:
    """Return the moment of an RFC 3339 text with an offset. Raises ValueError with a reason.

    Fractions below a millisecond are truncated. A leap second becomes the last millisecond of its minute.
    """
    found = _RFC3339.fullmatch(text)
    if found is None:
        raise ValueError(f"must be a time such as {EXAMPLE}")
    day, hour, minute, second, fraction, sign, hours, minutes = found.groups()
    if sign is None and text[-1] not in "Zz":
        raise ValueError(f"must have an offset from UTC, or Z, such as {EXAMPLE}")
    ahead = (int(hours) * 60 + int(minutes)) * (-1 if sign == "-" else 1) if sign else 0
    minute_ms = _day_ms(day) + (int(hour) * 60 + int(minute) - ahead) * MINUTE_MS
    if second == "60":
        # Leap seconds are announced case by case. They can only be the last second of a UTC day.
        if (minute_ms + MINUTE_MS) % DAY_MS:
            raise ValueError("must have a second below 60: only the last minute of a UTC day may have a second 60")
        ms = minute_ms + MINUTE_MS - 1
    else:
        ms = minute_ms + int(second) * 1000 + int((fraction or "0")[:3].ljust(3, "0"))
    if not FIRST_MS <= ms <= LAST_MS:
        raise ValueError("must be within the years 1 to 9999 in UTC")
    return Instant(ms)


@lru_cache(1024)
def _day_ms(day: str) -> int:
    """Return the first moment of a day. Cached: most events are of few days."""
    try:
        return number_of(date.fromisoformat(day)) * DAY_MS
    except ValueError as error:
        raise ValueError("must be a date of the calendar") from error


def decode_moment(kind: type, raw: Any) -> Instant:
    """Decode a member of type `Moment`, as msgspec's `dec_hook`.

    Raises ValueError; msgspec turns it into a ValidationError that names the member.
    """
    if kind is not Instant:
        raise NotImplementedError(f"{kind} is not a type with a decoder")
    if not isinstance(raw, str):
        raise ValueError(f"must be a string with a time such as {EXAMPLE}")
    return instant_of(raw)


def moment_text(moment: Instant) -> str:
    """Return the shortest text of a moment, in UTC. Serves as msgspec's `enc_hook`."""
    return moment_name(moment.ms).replace(".000Z", "Z")
