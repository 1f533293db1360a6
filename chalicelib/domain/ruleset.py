"""The ruleset: which event pays what. One TOML file, validated whole before anything uses it."""

from __future__ import annotations

import hashlib
import tomllib
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from chalicelib.domain.criteria import Criterion, claims_first
from chalicelib.domain.errors import InvalidRuleset
from chalicelib.domain.levels import Levels, thresholds

# 10^12: the largest input the spec knows; a rule may not pay more than an event may carry.
Amount = Annotated[int, Meta(ge=0, le=10**12)]
Count = Annotated[int, Meta(ge=1, le=10**12)]
# Action names are kept in the item that every event rewrites: 24 bytes each, 32 of them, fit its 1,024 bytes.
Name = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,23}$(?!\n)")]
Slug = Annotated[str, Meta(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$(?!\n)", max_length=48)]
Text = Annotated[str, Meta(min_length=1, max_length=300)]
EventType = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_.]{0,63}$(?!\n)")]
MAX_ACTIONS = 32
# 200 earned badges are about 5 KB beside the player; the bench judges that many.
MAX_BADGES = 200
MAX_LEVELS = 1000
# Both bound the rows that one event can add to an atomic write.
MAX_ASSETS = 4
MAX_FIRST_BADGES = 8
# Pairs are counted in the day's figures, 14 bytes each, which the item of 1,024 bytes holds.
MAX_PAIRS = 20

DERIVED = ("provider_switch", "model_diversity", "combo_use", "compression_use", "skill_use")
BONUSES = ("daily_login", "streak_milestone", "badge_earned")
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
# Sets of distinct names: stat -> the field of an event's data that feeds it.
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


class Settings(_Table, frozen=True, kw_only=True):
    max_age_days: Annotated[int, Meta(ge=1, le=30)] = 7
    max_ahead_seconds: Annotated[int, Meta(ge=0, le=86_400)] = 300
    key_prefix: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9]{1,15}$(?!\n)")] = "laurel"
    derive: list[str] = msgspec.field(default_factory=lambda: list(DERIVED))


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


class Board(_Table, frozen=True, kw_only=True):
    """Scope and kind of period. Score: XP of the period, or (all-time only) a sum of counters and stats."""

    scope: Annotated[str, Meta(pattern=r"^[a-z][a-z_]{0,31}$(?!\n)")]
    period: Annotated[str, Meta(pattern=r"^(all|daily|weekly|monthly)$(?!\n)")]
    actions: list[str] = []
    stats: list[str] = []
    keep_days: Count | None = None

    @property
    def counts_xp(self) -> bool:
        return not (self.actions or self.stats)


class Ruleset(_Table, frozen=True, kw_only=True):
    version: Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{1,12}$(?!\n)")]
    settings: Settings = Settings()
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


class Rules:
    """A valid ruleset with what is looked up on every event worked out once."""

    def __init__(self, ruleset: Ruleset, levels: Levels) -> None:
        self.ruleset = ruleset
        self.levels = levels
        self.version = ruleset.version
        self.actions = ruleset.actions
        self.settings = ruleset.settings
        self.derive = frozenset(ruleset.settings.derive)
        self.milestones = sorted(ruleset.streaks.milestones)
        self.badges = {badge.id: badge for badge in ruleset.badges}

    @cached_property
    def badges_by_fact(self) -> dict[str, list[Badge]]:
        """Fact (`action:request`, `unique:models`, `streak`, ...) -> the badges whose criterion names it."""
        index: dict[str, list[Badge]] = {}
        for badge in self.ruleset.badges:
            for fact in badge.criterion.facts():
                index.setdefault(fact, []).append(badge)
        return index

    def xp_of(self, action: str) -> int:
        rule = self.actions.get(action)
        return rule.xp if rule else 0


def load(path: Path) -> Rules:
    """The rules of a TOML file. Raises InvalidRuleset naming file, key and reason."""
    try:
        return parse(path.read_bytes(), path.name)
    except OSError as error:
        raise InvalidRuleset(path.name, "file", error.strerror or str(error)) from error


def parse(content: bytes, file: str) -> Rules:
    """Like load, from the file's bytes."""
    try:
        raw = tomllib.loads(content.decode())
        ruleset = msgspec.convert(raw, Ruleset)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidRuleset(file, "syntax", str(error)) from error
    except msgspec.ValidationError as error:
        raise InvalidRuleset(file, *_located(error, raw)) from error
    check = _Check(file, ruleset)
    return Rules(ruleset, check.everything())


def _located(error: msgspec.ValidationError, raw: dict[str, Any]) -> tuple[str, str]:
    """(key, reason) of an error, also within a table of names, where msgspec does not say which."""
    reason, path = _split(error)
    table = path.partition("[...]")[0]
    if table in _NAMED and isinstance(raw.get(table), dict):
        for name, value in raw[table].items():
            try:
                msgspec.convert({name: value}, _NAMED[table])
            except msgspec.ValidationError as narrower:
                reason, path = _split(narrower)
                return f"{table}.{name}" + path.partition("[...]")[2], reason
    return path or "top level", reason


def _split(error: msgspec.ValidationError) -> tuple[str, str]:
    reason, _, path = str(error).partition(" - at `")
    return reason, path.removeprefix("key` in `").lstrip("$.").rstrip("`")


_NAMED: dict[str, Any] = {"actions": dict[Name, Action], "events": dict[EventType, str], "assets": dict[str, Asset]}


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]


class _Check:
    """What types cannot say: references between tables."""

    def __init__(self, file: str, ruleset: Ruleset) -> None:
        self.file, self.rules = file, ruleset

    def everything(self) -> Levels:
        self.settings()
        self.actions()
        self.events()
        self.badges()
        self.boards()
        return self.levels()

    def need(self, holds: bool, key: str, reason: str) -> None:
        if not holds:
            raise InvalidRuleset(self.file, key, reason)

    def known(self, value: Any, among: Any, key: str, what: str) -> None:
        self.need(value in among, key, f"unknown {what} '{value}'; known: {', '.join(sorted(map(str, among)))}")

    def settings(self) -> None:
        self.need(len(self.rules.assets) <= MAX_ASSETS, "assets", f"at most {MAX_ASSETS} assets")
        for name in self.rules.settings.derive:
            self.known(name, DERIVED, "settings.derive", "derivation")
        milestones = self.rules.streaks.milestones
        self.need(len(set(milestones)) == len(milestones), "streaks.milestones", "each milestone once")

    def actions(self) -> None:
        self.need(len(self.rules.actions) <= MAX_ACTIONS, "actions", f"at most {MAX_ACTIONS} actions")
        for name, action in self.rules.actions.items():
            for asset in action.credits:
                self.known(asset, self.rules.assets, f"actions.{name}.credits", "asset")
            for stat in action.adds.values():
                self.known(stat, NUMERIC_STATS, f"actions.{name}.adds", "stat")
            self.need(
                action.daily_max_per_pair is None or (action.daily_max or MAX_PAIRS + 1) <= MAX_PAIRS,
                f"actions.{name}.daily_max_per_pair",
                f"needs a daily_max of at most {MAX_PAIRS}: each pair of the day is remembered",
            )

    def events(self) -> None:
        for type_, action in self.rules.events.items():
            self.known(action, self.rules.actions, f'events."{type_}"', "action")

    def badges(self) -> None:
        badges = self.rules.badges
        self.need(len(badges) <= MAX_BADGES, "badges", f"at most {MAX_BADGES} badges")
        firsts = sum(claims_first(badge.criterion) for badge in badges)
        self.need(firsts <= MAX_FIRST_BADGES, "badges", f"at most {MAX_FIRST_BADGES} badges of the first player ever")
        seen: set[str] = set()
        for index, badge in enumerate(badges):
            key = f"badges[{index}]"
            self.need(badge.id not in seen, f"{key}.id", f"'{badge.id}' is defined twice")
            seen.add(badge.id)
            self.need(
                badge.id == _slug(badge.name),
                f"{key}.id",
                f"must be the kebab-case of the name: '{_slug(badge.name)}'",
            )
            self.known(badge.category, self.rules.badge_categories, f"{key}.category", "category")
            self.known(badge.rarity, self.rules.badge_rarities, f"{key}.rarity", "rarity")
        names = {
            "action": set(self.rules.actions),
            "amount": set(NUMERIC_STATS),
            "unique": set(UNIQUE_STATS),
            "stat": set(STATS),
            "badge": {"*", *seen},
            "scope": {"*", *(board.scope for board in self.rules.boards)},
        }
        for index, badge in enumerate(badges):
            for what, value in badge.criterion.references():
                self.known(value, names[what], f"badges[{index}].criterion", what)
        self.no_circles()

    def no_circles(self) -> None:
        """Badges that name each other in a circle could never be judged."""
        ids = {badge.id for badge in self.rules.badges}
        names = {
            badge.id: {name for what, name in badge.criterion.references() if what == "badge"}
            for badge in self.rules.badges
        }
        left = {badge: ids - {badge} if "*" in others else others for badge, others in names.items()}
        while judged := {badge for badge, others in left.items() if not others & left.keys()}:
            left = {badge: others for badge, others in left.items() if badge not in judged}
        for index, badge in enumerate(self.rules.badges):
            self.need(
                badge.id not in left, f"badges[{index}].criterion", "names its own badge, directly or in a circle"
            )

    def boards(self) -> None:
        scopes = [board.scope for board in self.rules.boards]
        self.need(len(set(scopes)) == len(scopes), "boards", "each scope once")
        for index, board in enumerate(self.rules.boards):
            key = f"boards[{index}]"
            self.need(board.counts_xp or board.period == "all", f"{key}.period", "only XP boards have periods")
            self.need(
                board.keep_days is None or board.period == "daily",
                f"{key}.keep_days",
                "only daily boards end",
            )
            for action in board.actions:
                self.known(action, self.rules.actions, f"{key}.actions", "action")
            for stat in board.stats:
                self.known(stat, (*NUMERIC_STATS, *UNIQUE_STATS), f"{key}.stats", "stat")

    def levels(self) -> Levels:
        rules = self.rules.levels
        if rules.reward:
            self.known(rules.reward.asset, self.rules.assets, "levels.reward.asset", "asset")
        firsts = [title.level for title in rules.titles]
        self.need(bool(firsts) and firsts[0] == 1, "levels.titles", "the first title begins at level 1")
        self.need(firsts == sorted(set(firsts)), "levels.titles", "titles ascend by level, each level once")
        titles = tuple((title.level, title.title) for title in rules.titles)
        if rules.thresholds is not None:
            self.need(
                rules.base is None and rules.exponent is None and rules.cap is None,
                "levels",
                "thresholds or a formula, not both",
            )
            ascending = all(a < b for a, b in zip(rules.thresholds, rules.thresholds[1:], strict=False))
            self.need(ascending and rules.thresholds[0] == 0, "levels.thresholds", "start at 0 and ascend")
            return Levels(tuple(rules.thresholds), titles)
        if rules.base is None or rules.exponent is None or rules.cap is None:
            raise InvalidRuleset(self.file, "levels", "needs base, exponent and cap, or thresholds")
        half_powers = round(rules.exponent * 2)
        self.need(half_powers == rules.exponent * 2, "levels.exponent", "must be a multiple of 0.5")
        return Levels(thresholds(rules.base, half_powers, rules.cap), titles)


def _slug(name: str) -> str:
    words = "".join(char.lower() if char.isalnum() else " " for char in name).split()
    return "-".join(words)
