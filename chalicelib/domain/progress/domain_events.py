"""The domain events of an applied event. Their ids are stable across retries."""

from __future__ import annotations

import hashlib
from typing import Any

from chalicelib.domain.core.domain_event import DomainEvent
from chalicelib.domain.core.periods import moment_name
from chalicelib.domain.events.payloads import PLAYER_IMPORTED
from chalicelib.domain.progress.log import Entry

ROTATED = "leaderboard.rotated"


def rotated_event(scope: str, period: str, frozen_at: int, total: int, champion: dict[str, Any] | None) -> DomainEvent:
    """Return the event of a closed board.

    `total`: players on it. `champion`: the first one as others see them, or None.
    """
    when = moment_name(frozen_at)
    detail = {"scope": scope, "period": period, "total": total, "champion": champion, "frozenAt": when}
    return DomainEvent(_digest(ROTATED, scope, period), ROTATED, "", when, detail)


def domain_events_of(player: str, time_ms: int, entry: Entry, level_reward: int) -> list[DomainEvent]:
    """Return the domain events of one log entry. `level_reward`: tokens paid for each level."""
    when = moment_name(time_ms)

    def event(type_: str, key: object, **detail: Any) -> DomainEvent:
        return DomainEvent(_digest(player, entry.identity, type_, str(key)), type_, player, when, detail)

    found = []
    if entry.type == PLAYER_IMPORTED:
        found.append(event(PLAYER_IMPORTED, "", **{"import": entry.note, "xp": entry.xp}))
    if entry.levels:
        before, after = entry.levels
        found.append(
            event(
                "level.up",
                after,
                newLevel=after,
                previousLevel=before,
                reward=level_reward * (after - before),
            )
        )
    found += [event("badge.earned", badge, badgeId=badge) for badge in entry.badges]
    found += [event("streak.milestone", days, milestone=days) for days in entry.milestones]
    if entry.streak is not None:
        found.append(event("streak.updated", entry.streak, currentStreak=entry.streak))
    if entry.type == "badge.revoked":
        found.append(event("badge.revoked", entry.note, badgeId=entry.note))
    return found


def _digest(*name: str) -> str:
    return hashlib.blake2b("\0".join(name).encode(), digest_size=16).hexdigest()
