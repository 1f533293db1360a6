"""Judge badges: only those whose criterion names a changed fact. A badge is earned once."""

from __future__ import annotations

from collections.abc import Iterable

from chalicelib.domain.progress.log import Records
from chalicelib.domain.progress.player import EarnedBadge, Player
from chalicelib.domain.rules.criteria import All, Any, Criterion, Facts, claims_first
from chalicelib.domain.rules.ruleset import Rules
from chalicelib.domain.rules.schema import UNIQUE_STATS


def earn_badges(
    player: Player, facts: Iterable[str], records: Records, rules: Rules, now_ms: int, *, firsts: bool = True
) -> list[str]:
    """Give the player every badge that the changed facts meet; return their ids in ruleset order.

    `firsts`: also badges that only the first player ever may earn.
    """
    known = _Known(player, records, rules)
    index = rules.badges_by_fact
    candidates = {badge.id: badge for fact in facts for badge in index.get(fact, ())}
    earned = []
    for badge_id, badge in candidates.items():
        if badge_id in player.badges or not (firsts or not claims_first(badge.criterion)):
            continue
        if not badge.criterion.met(known, badge_id):
            continue
        player.badges[badge_id] = EarnedBadge(now_ms)
        player.changed.add("badges")
        if _takes_first(badge.criterion, known, badge_id):
            records.firsts[badge_id] = player.id
            records.new_firsts.add(badge_id)
        earned.append(badge_id)
    position = {badge_id: index for index, badge_id in enumerate(rules.badges)}
    return sorted(earned, key=position.__getitem__)


def grant(player: Player, badge: str, now_ms: int) -> bool:
    """Grant a badge manually; return whether it was never earned before (its XP is paid once ever)."""
    before = player.badges.get(badge)
    if before is not None and not before.revoked_at:
        return False
    player.badges[badge] = EarnedBadge(before.earned_at if before else now_ms, by_hand=True)
    player.changed.add("badges")
    return before is None


def revoke(player: Player, badge: str, now_ms: int) -> None:
    """Revoke a badge manually. It stays on record, and rules do not grant it again."""
    before = player.badges.get(badge)
    if before is None or before.revoked_at:
        return
    player.badges[badge] = EarnedBadge(before.earned_at, now_ms, before.by_hand)
    player.changed.add("badges")


def _takes_first(criterion: Criterion, known: Facts, badge: str) -> bool:
    """Return whether the player was first, and did not earn the badge by another of its criteria."""
    if isinstance(criterion, All | Any):
        return any(_takes_first(part, known, badge) for part in criterion.criteria)
    return claims_first(criterion) and criterion.met(known, badge)


class _Known:
    """The facts that criteria ask about, from the player and its records."""

    def __init__(self, player: Player, records: Records, rules: Rules) -> None:
        self.player, self.records, self.rules = player, records, rules
        self.created_at = player.created_at

    def count(self, action: str) -> int:
        return self.player.count(action)

    def stat(self, name: str) -> int:
        if name == "xp":
            return max(0, self.player.xp)
        if name == "level":
            return self.player.level(self.rules)
        if name in UNIQUE_STATS:
            return len(self.player.sets.get(name, ()))
        return self.player.stats.get(name, 0)

    def has_badge(self, badge: str) -> bool:
        return self.player.holds(badge)

    def longest_streak(self) -> int:
        return self.player.streak.longest

    def is_first(self, badge: str) -> bool | None:
        owner = self.records.firsts.get(badge)
        return True if owner is None else owner == self.player.id

    def best_rank(self, scope: str) -> int | None:
        if scope == "*":
            return min(self.player.ranks.values(), default=None)
        return self.player.ranks.get(scope)

    def badge_ids(self) -> Iterable[str]:
        return self.rules.badges

    def can_meet(self, badge: str) -> bool:
        earned = self.player.badges.get(badge)
        if earned is not None:
            return not earned.revoked_at
        return self.rules.badges[badge].criterion.possible(self, badge)
