"""The tables of a ruleset file: names, types and ranges of their members."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from chalicelib.domain.core.settings import RulesetSettings
from chalicelib.domain.rules.criteria import Criterion

# 10^12: the largest number in an event; a rule may not pay more than an event may carry.
Amount = Annotated[int, Meta(ge=0, le=10**12)]
Count = Annotated[int, Meta(ge=1, le=10**12)]
# Action names are stored in the item that every event rewrites; those of the default ruleset take one byte.
Name = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,23}\Z")]
Slug = Annotated[str, Meta(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*\Z", max_length=48)]
Text = Annotated[str, Meta(min_length=1, max_length=300)]
EventType = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_.]{0,63}\Z")]
MAX_ACTIONS = 32
# 200 earned badges take about 5 KB in the player's partition; the bench tests that many.
MAX_BADGES = 200
MAX_LEVELS = 1000
# Both bound the rows that one event can add to an atomic write.
MAX_ASSETS = 4
MAX_FIRST_BADGES = 8
# Pairs are counted in the daily stats, 14 bytes each, within an item of 1,024 bytes.
MAX_PAIRS = 20
# The largest rank that a rank criterion may name.
MAX_REWARDED_RANK = 1000
MAX_RANK_REWARDS = 20
# The table stores them by position: append new ones, never remove one.
NUMERIC_STATS = (
    "requests",
    "tokensIn",
    "tokensOut",
    "costMicroUsd",
    "tokensSaved",
    "costSavedMicroUsd",
    "cacheHits",
    "semanticHits",
    "racesWon",
    "factsStored",
    "tokensShared",
    "tokensSharedNet",
    "daysActive",
)
# Sets of distinct names: stat -> the member of an event's data that feeds it.
UNIQUE_STATS = {
    "providers": "provider",
    "models": "model",
    "skills": "skill",
    "callers": "caller",
    "subscriptions": "subscriptionId",
}
DERIVED_STATS = ("xp", "level")
STATS = (*NUMERIC_STATS, *UNIQUE_STATS, *DERIVED_STATS)


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class Asset(_Table, frozen=True, kw_only=True):
    transferable: bool = False
    redeemable: bool = False


class Credit(_Table, frozen=True, kw_only=True):
    asset: str
    amount: Count


class Title(_Table, frozen=True, kw_only=True):
    level: Annotated[int, Meta(ge=1)]
    title: Annotated[str, Meta(min_length=1, max_length=24)]


class LevelRules(_Table, frozen=True, kw_only=True):
    titles: list[Title]
    base: Annotated[int, Meta(ge=1, le=10**6)] | None = None
    exponent: Annotated[float, Meta(ge=0, le=4)] | None = None
    cap: Annotated[int, Meta(ge=2, le=MAX_LEVELS)] | None = None
    thresholds: Annotated[list[Amount], Meta(min_length=2, max_length=MAX_LEVELS)] | None = None
    reward: Credit | None = None


class Action(_Table, frozen=True, kw_only=True):
    xp: Amount = 0
    credits: dict[str, Count] = {}
    daily_max: Count | None = None
    daily_max_per_pair: Count | None = None
    once_per: str | None = None
    streak_day: bool = False
    adds: dict[str, str] = {}


class StreakRules(_Table, frozen=True, kw_only=True):
    milestones: list[Annotated[int, Meta(ge=2, le=3650)]]


class AwardRules(_Table, frozen=True, kw_only=True):
    max_points: Count = 10_000
    max_points_per_granter_and_day: Count = 50_000


class Badge(_Table, frozen=True, kw_only=True):
    id: Slug
    name: Annotated[str, Meta(min_length=1, max_length=60)]
    description: Text
    icon: Annotated[str, Meta(min_length=1, max_length=16)]
    category: str
    rarity: str
    criterion: Criterion
    hidden: bool = False


class RankReward(_Table, frozen=True, kw_only=True):
    """A payment for each player from rank `first` to rank `to`, when a period ends."""

    to: Annotated[int, Meta(ge=1, le=MAX_REWARDED_RANK)]
    asset: str
    amount: Count
    first: Annotated[int, Meta(ge=1, le=MAX_REWARDED_RANK)] = msgspec.field(default=1, name="from")


class Board(_Table, frozen=True, kw_only=True):
    """A board: its scope, its kind of period, its score and its shards.

    The score is the XP of the period, or (all-time boards only) a sum of counters and stats. `shards`: writers that
    share a board's updates; the cost of a read grows with their number. After a change of `shards`, repair the board.
    """

    scope: Annotated[str, Meta(pattern=r"^[a-z][a-z_]{0,31}\Z")]
    period: Annotated[str, Meta(pattern=r"^(all|daily|weekly|monthly)\Z")]
    actions: list[str] = []
    stats: list[str] = []
    keep_days: Count | None = None
    shards: Annotated[int, Meta(ge=1, le=16)] = 1
    rewards: Annotated[list[RankReward], Meta(max_length=MAX_RANK_REWARDS)] = []

    @property
    def counts_xp(self) -> bool:
        return not (self.actions or self.stats)


class Ruleset(_Table, frozen=True, kw_only=True):
    version: Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{1,12}\Z")]
    settings: RulesetSettings = RulesetSettings()
    assets: dict[str, Asset]
    levels: LevelRules
    actions: dict[Name, Action]
    events: dict[EventType, str]
    streaks: StreakRules
    awards: AwardRules = AwardRules()
    badge_categories: list[str]
    badge_rarities: list[str]
    badges: list[Badge]
    boards: list[Board]
