"""The player as rules see it: the state and its companion items."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import msgspec

from chalicelib.domain.core.periods import ALL, Period, period_of
from chalicelib.domain.identity.identity import Identity
from chalicelib.domain.progress.daily_stats import DailyStats
from chalicelib.domain.progress.model_use import DIVERSITY_WINDOW_MS, ModelUse
from chalicelib.domain.progress.streaks import Streak
from chalicelib.domain.rules.criteria import UNIQUE_CAP
from chalicelib.domain.rules.ruleset import Rules
from chalicelib.domain.rules.schema import NUMERIC_STATS, UNIQUE_STATS

# Models remembered in the item that every event rewrites; the log answers for all others.
MODELS_REMEMBERED = 24
# Names take at most 64 bytes, so that a set of 64 fits an attribute of 4 KB.
NAME_BYTES = 64


class EarnedBadge(msgspec.Struct, array_like=True):
    """An earned badge: the commit times (ms) when it was earned and revoked (0: held). Its XP is paid once ever."""

    earned_at: int
    revoked_at: int = 0
    by_hand: bool = False


@dataclass(slots=True)
class Pair:
    """Tokens moved between this player and one other, in total."""

    sent: int = 0
    received: int = 0

    @property
    def net(self) -> int:
        return max(0, self.sent - self.received)


@dataclass(slots=True)
class Player:
    """A player. `version` 0: not in the table yet.

    XP totals are signed. `*_at`: commit time (ms) at which a score was reached. `companions`: letter of a companion
    item -> the version at which it was last written. `changed`: companion items changed since the player was read
    (`identity`, `badges`, ...). `changed_days`: the same for past days. `ranks`: scope -> the best judged rank.
    `begun`: an event was applied since the player was read. `open_periods`: id of a period that holds the open day ->
    (XP, `*_at`).
    """

    id: str
    identity: Identity
    version: int = 0
    xp: int = 0
    xp_at: int = 0
    award_xp: int = 0
    rewarded_level: int = 1
    counters: dict[str, int] = field(default_factory=dict)
    stats: dict[str, int] = field(default_factory=dict)
    last_provider: str = ""
    last_provider_at: int = -1
    models: dict[str, ModelUse] = field(default_factory=dict)
    models_forgotten_at: int = -1
    day: int = -1
    day_stats: DailyStats = field(default_factory=DailyStats)
    open_periods: dict[str, tuple[int, int]] = field(default_factory=dict)
    sums_at: dict[str, int] = field(default_factory=dict)
    streak: Streak = field(default_factory=Streak)
    badges: dict[str, EarnedBadge] = field(default_factory=dict)
    ranks: dict[str, int] = field(default_factory=dict)
    sets: dict[str, list[str]] = field(default_factory=dict)
    past: dict[int, DailyStats] = field(default_factory=dict)
    companions: dict[str, int] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)
    changed_days: set[int] = field(default_factory=set)
    begun: bool = False

    @property
    def exists(self) -> bool:
        """Return whether the player is in the table, or will be with the next commit."""
        return self.begun or self.version > 0

    @property
    def created_at(self) -> int:
        return self.identity.created_at

    def stat(self, name: str) -> int:
        if name in UNIQUE_STATS:
            return len(self.sets.get(name, ()))
        if name in NUMERIC_STATS:
            return self.stats.get(name, 0)
        raise KeyError(name)

    def count(self, action: str) -> int:
        return self.counters.get(action, 0)

    def holds(self, badge: str) -> bool:
        earned = self.badges.get(badge)
        return earned is not None and not earned.revoked_at

    def level(self, rules: Rules) -> int:
        return rules.levels.level(self.xp)

    # Days and periods ----------------------------------------------------------------------------------------

    def day_stats_of(self, day: int) -> DailyStats:
        """Return the day's statistics for reading: those of the open day or of a loaded past day."""
        if day == self.day:
            return self.day_stats
        return self.past.get(day) or DailyStats()

    def open(self, day: int) -> DailyStats:
        """Return the day's statistics for a change. A day after the open one closes it and becomes the open one."""
        if day == self.day:
            return self.day_stats
        if day < self.day:
            self.changed_days.add(day)
            return self.past.setdefault(day, DailyStats())
        if self.day >= 0:
            self.changed_days.add(self.day)
            self.past[self.day] = self.day_stats
        self.open_periods = {each.id: self.open_periods.get(each.id, (0, 0)) for each in summed_periods(day)}
        self.day, self.day_stats = day, DailyStats()
        return self.day_stats

    def add_xp(self, day: int, amount: int, now_ms: int, late: Sequence[str] = ()) -> None:
        """Add signed XP to the total and to the day.

        `late`: the kinds of boards that no longer accept XP of the day.
        """
        self.open(day).add_xp(amount, now_ms, late)
        self.xp += amount
        self.xp_at = max(self.xp_at, now_ms)
        for period in summed_periods(day):
            summed = self.open_periods.get(period.id)
            if summed is not None and period.kind not in late:
                self.open_periods[period.id] = summed[0] + amount, max(summed[1], now_ms)

    def add_undated_xp(self, amount: int, now_ms: int) -> None:
        """Add XP that belongs to no day: to the total, and to no period but all time."""
        self.xp += amount
        self.xp_at = max(self.xp_at, now_ms)

    def period_xp(self, period: Period) -> tuple[int, int]:
        """Return (signed XP, reached at) on the period's board, without late XP."""
        if period.kind == ALL:
            return self.xp, self.xp_at
        summed = self.open_periods.get(period.id)
        if summed is not None:
            return summed
        counted = [self.day_stats_of(day).on_board(period.kind) for day in period.days]
        return sum(xp for xp, _ in counted), max(xp_at for _, xp_at in counted)

    # Names ---------------------------------------------------------------------------------------------------

    def add_distinct(self, unique: str, name: str) -> bool:
        """Add a name to a set of distinct names; return whether it is new. A full set accepts no more names."""
        names = self.sets.get(unique, [])
        if name in names or len(names) >= UNIQUE_CAP:
            return False
        self.sets[unique] = [*names, name]
        self.changed.add("sets")
        return True

    def remember_model(self, model: str, time_ms: int) -> None:
        """Record a use of a model. Only the most recently used models are remembered."""
        use = self.models.get(model)
        self.models[model] = use.extended(time_ms) if use else ModelUse(time_ms, time_ms, self.models_forgotten_at < 0)
        if len(self.models) > MODELS_REMEMBERED:
            self.forget_model()

    def forget_model(self) -> None:
        """Forget the model used longest ago. The log answers for its uses."""
        oldest = min(self.models, key=lambda name: (self.models[name].last, name))
        self.models_forgotten_at = max(self.models_forgotten_at, self.models.pop(oldest).last)

    def used_near(self, model: str, time_ms: int) -> bool | None:
        """Return whether the model was used within 7 x 24 h before or after a moment; None if only the log knows."""
        use = self.models.get(model)
        if use is not None and use.is_near(time_ms):
            return True
        if use is not None and time_ms < use.first:
            return False if use.nothing_before else None
        # A remembered model may have been forgotten earlier with a later use than the late event brought back.
        return None if self.models_forgotten_at >= time_ms - DIVERSITY_WINDOW_MS else False


def shorten(name: str) -> str:
    """Return a name in at most 64 bytes: itself, or its beginning and a digest. Equal names stay equal."""
    raw = name.encode("utf-8", "surrogatepass")
    if len(raw) <= NAME_BYTES:
        return name
    tail = hashlib.blake2b(raw, digest_size=6).hexdigest()
    return raw[: NAME_BYTES - len(tail) - 1].decode("utf-8", "ignore") + "~" + tail


def model_digest(model: str) -> str:
    """Return the digest of a model's name: 5 bytes in hex. 24 of them collide once in 10^9 players."""
    return hashlib.blake2b(model.encode("utf-8", "surrogatepass"), digest_size=5).hexdigest()


@lru_cache(4096)
def summed_periods(day: int) -> tuple[Period, ...]:
    """Return the periods that hold the day and whose XP the state sums while they are open."""
    return period_of("weekly", day), period_of("monthly", day)


def months_to_load(days: Iterable[int]) -> list[int]:
    """Return one day of each month whose daily stats the periods of these days need."""
    first_days: dict[int, None] = {}
    for day in days:
        week = period_of("weekly", day).days
        for each in (day, week[0], week[-1]):
            first_days[period_of("monthly", each).days.start] = None
    return list(first_days)
