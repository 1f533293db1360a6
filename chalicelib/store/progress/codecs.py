"""Attributes of the player state whose bytes are counted."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec

from chalicelib.domain.core.periods import period_of, period_with_id
from chalicelib.domain.rules.schema import NUMERIC_STATS
from chalicelib.store.core.codecs import Packed

# The table holds their places: add at the end, and never remove one. Other actions are stored by name.
KNOWN_ACTIONS = (
    "request",
    "provider_switch",
    "combo_create",
    "combo_use",
    "compression_use",
    "skill_use",
    "model_diversity",
    "token_share",
    "referral",
    "daily_login",
    "streak_milestone",
    "badge_earned",
    "lesson",
    "tournament_win",
    "tournament_loss",
    "award",
)
_CODES: dict[str, Any] = {name: place for place, name in enumerate(KNOWN_ACTIONS)}
# Kinds whose periods are stored as numbers. The table holds their places: there is no room for a third one.
_CODED_KINDS = ("weekly", "monthly")


class Counters(Packed[dict[str, int]]):
    """Counts by action. The name of a well-known action is stored as its place in `KNOWN_ACTIONS`."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(dict[int | str, int], **settings)

    def serialize(self, value: dict[str, int]) -> bytes:
        return msgspec.msgpack.encode({_CODES.get(name, name): count for name, count in value.items()})

    def deserialize(self, value: bytes) -> dict[str, int]:
        coded: dict[Any, int] = self.decoder.decode(value)
        return {KNOWN_ACTIONS[name] if isinstance(name, int) else name: count for name, count in coded.items()}


class Stats(Packed[dict[str, int]]):
    """Stats by their place in `NUMERIC_STATS`. A stat of 0 counts as none."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(list[int], **settings)

    def serialize(self, value: dict[str, int]) -> bytes:
        return msgspec.msgpack.encode([value.get(name, 0) for name in NUMERIC_STATS])

    def deserialize(self, value: bytes) -> dict[str, int]:
        amounts: Any = self.decoder.decode(value)
        return {name: amount for name, amount in zip(NUMERIC_STATS, amounts, strict=False) if amount}


class OpenPeriods(Packed[dict[str, tuple[int, int]]]):
    """Open periods: (XP, reached at) by id, as one list of code, XP and time of each period.

    The code of a week or month is a number of 3 bytes, that of any other period its id.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(list[int | str], **settings)

    def serialize(self, value: dict[str, tuple[int, int]]) -> bytes:
        parts = [part for period, summed in value.items() for part in (_period_code(period), *summed)]
        return msgspec.msgpack.encode(parts)

    def deserialize(self, value: bytes) -> dict[str, tuple[int, int]]:
        parts: Any = self.decoder.decode(value)
        return {_period_id(parts[at]): (parts[at + 1], parts[at + 2]) for at in range(0, len(parts), 3)}


@lru_cache(4096)
def _period_code(period_id: str) -> int | str:
    """Return twice the first day of a week or month, plus the place of its kind; the id of any other period."""
    for place, kind in enumerate(_CODED_KINDS):
        try:
            return 2 * period_with_id(kind, period_id).days.start + place
        except ValueError:
            continue
    return period_id


def _period_id(code: int | str) -> str:
    return code if isinstance(code, str) else period_of(_CODED_KINDS[code % 2], code // 2).id
