"""Attributes of the player state whose bytes are counted."""

from __future__ import annotations

from typing import Any

import msgspec

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
