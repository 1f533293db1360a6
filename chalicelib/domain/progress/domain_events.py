"""Domain events: what an applied event tells the world, under ids that stay the same however often it is sent."""

from __future__ import annotations

import hashlib
from typing import Any

from chalicelib.domain.core.domain_event import Notice
from chalicelib.domain.core.periods import moment_name
from chalicelib.domain.progress.log import Entry

ROTATED = "leaderboard.rotated"


def rotated_notice(scope: str, period: str, frozen_at: int, total: int, champion: dict[str, Any] | None) -> Notice:
    """A board was closed: how many were on it, and who was first, as anybody may know them (None: nobody was)."""
    when = moment_name(frozen_at)
    detail = {"scope": scope, "period": period, "total": total, "champion": champion, "frozenAt": when}
    return Notice(_digest(ROTATED, scope, period), ROTATED, "", when, detail)


def notices_of(player: str, time_ms: int, entry: Entry, level_reward: int) -> list[Notice]:
    """What one entry of the log announces; `level_reward` is the tokens a level pays."""
    when = moment_name(time_ms)

    def notice(type_: str, key: object, **detail: Any) -> Notice:
        return Notice(_digest(player, entry.identity, type_, str(key)), type_, player, when, detail)

    told = []
    if entry.levels:
        before, after = entry.levels
        told.append(
            notice(
                "level.up",
                after,
                newLevel=after,
                previousLevel=before,
                reward=level_reward * (after - before),
            )
        )
    told += [notice("badge.earned", badge, badgeId=badge) for badge in entry.badges]
    told += [notice("streak.milestone", days, milestone=days) for days in entry.milestones]
    if entry.streak is not None:
        told.append(notice("streak.updated", entry.streak, currentStreak=entry.streak))
    if entry.type == "badge.revoked":
        told.append(notice("badge.revoked", entry.note, badgeId=entry.note))
    return told


def _digest(*name: str) -> str:
    return hashlib.blake2b("\0".join(name).encode(), digest_size=16).hexdigest()
