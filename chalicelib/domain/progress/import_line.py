"""One line of an import: the figures of a player in another system, checked, as the data of an event."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from chalicelib.domain.core.decoding_errors import fault
from chalicelib.domain.core.errors import InvalidRequest
from chalicelib.domain.core.json_values import whole_numbers
from chalicelib.domain.core.moments import Moment, decode_moment
from chalicelib.domain.core.periods import DAY_MS, day_name, day_of, number_of
from chalicelib.domain.core.sentences import not_json, unknown
from chalicelib.domain.events.event import BACKFILL_FROM_MS
from chalicelib.domain.events.formats import PlayerId
from chalicelib.domain.identity.names import MAX_NAME, NO_PLAYERS, chosen_name
from chalicelib.domain.rules.ruleset import Rules
from chalicelib.domain.rules.schema import MAX_BADGES

Figure = Annotated[int, Meta(ge=0, le=10**12)]
Days = Annotated[int, Meta(ge=0, le=10_000)]
FIRST_DAY = BACKFILL_FROM_MS // DAY_MS


class BadgeLine(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    id: str
    earned_at: Moment | None = None


class StreakLine(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    current: Days = 0
    longest: Days | None = None
    last_day: str | None = None


class PlayerLine(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """A player in another system. Members other than `player` may be absent or null."""

    player: PlayerId
    display_name: str | None = None
    private: bool | None = None
    xp: Figure | None = None
    actions: dict[str, Figure] | None = None
    badges: Annotated[list[BadgeLine], Meta(max_length=MAX_BADGES)] | None = None
    streak: StreakLine | None = None
    balances: dict[str, Figure] | None = None


def read_line(text: bytes, rules: Rules, now_ms: int) -> tuple[str, dict[str, Any]]:
    """Return (player, figures) of a line. Figures of 0 and empty members are left out.

    Raises InvalidRequest with one sentence about the first fault.
    """
    try:
        raw = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidRequest(not_json("The line", error)) from error
    try:
        line = msgspec.convert(whole_numbers(raw), PlayerLine, dec_hook=decode_moment)
    except msgspec.ValidationError as error:
        raise InvalidRequest(fault(error, PlayerLine, whole="The line").sentence) from error
    if line.player in NO_PLAYERS:
        raise InvalidRequest(f"'{line.player}' cannot be a player's id.")
    figures: dict[str, Any] = {
        "displayName": _name(line.display_name),
        "private": bool(line.private),
        "xp": line.xp or 0,
        "actions": _known("action", line.actions or {}, rules.actions),
        "badges": _badges(line.badges or [], rules, now_ms),
        "streak": _streak(line.streak, day_of(now_ms)) if line.streak else {},
        "balances": _known("asset", line.balances or {}, rules.ruleset.assets),
    }
    return line.player, {name: value for name, value in figures.items() if value}


def _name(text: str | None) -> str:
    if not text:
        return ""
    name = chosen_name(text)
    if name is None:
        raise InvalidRequest(
            f"'displayName' must be 1 to {MAX_NAME} visible characters, unlike the name of a masked player."
        )
    return name


def _known(what: str, amounts: dict[str, int], known: Collection[str]) -> dict[str, int]:
    for name in amounts:
        if name not in known:
            raise InvalidRequest(unknown(what, name, known))
    return {name: amount for name, amount in sorted(amounts.items()) if amount}


def _badges(badges: list[BadgeLine], rules: Rules, now_ms: int) -> dict[str, int]:
    """Return id -> when the badge was earned (ms), 0 if that is unknown."""
    found: dict[str, int] = {}
    for badge in badges:
        if badge.id not in rules.badges:
            raise InvalidRequest(unknown("badge", badge.id, rules.badges))
        if badge.id in found:
            raise InvalidRequest(f"The badge '{badge.id}' is named twice.")
        earned_at = badge.earned_at.ms if badge.earned_at else 0
        if earned_at > now_ms:
            raise InvalidRequest(f"'earnedAt' of the badge '{badge.id}' is in the future.")
        if badge.earned_at and earned_at < BACKFILL_FROM_MS:
            raise InvalidRequest(f"'earnedAt' of the badge '{badge.id}' is before {day_name(FIRST_DAY)}.")
        found[badge.id] = earned_at
    return dict(sorted(found.items()))


def _streak(line: StreakLine, today: int) -> dict[str, int]:
    longest = line.current if line.longest is None else line.longest
    if longest < line.current:
        raise InvalidRequest(f"'streak.longest' is {longest}, below 'streak.current', {line.current}.")
    if not line.current:
        return {"longest": longest} if longest else {}
    if line.last_day is None:
        raise InvalidRequest("'streak.lastDay' is missing: it is the last day of the current streak.")
    try:
        last = number_of(date.fromisoformat(line.last_day)) if len(line.last_day) == 10 else -1
    except ValueError:
        last = -1
    if last < 0:
        raise InvalidRequest("'streak.lastDay' must be a day such as 2026-05-19.")
    if last > today:
        raise InvalidRequest(f"'streak.lastDay' is {line.last_day}, and today is {day_name(today)} in UTC.")
    if last - line.current + 1 < FIRST_DAY:
        raise InvalidRequest(f"The current streak begins before {day_name(FIRST_DAY)}.")
    return {"current": line.current, "longest": longest, "lastDay": last}
