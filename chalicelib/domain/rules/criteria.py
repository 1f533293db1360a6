"""Badge criteria: conditions of a badge, the facts that can change them, and whether a player can still meet them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Annotated, Protocol

import msgspec
from msgspec import Meta

from chalicelib.domain.core.periods import DAY_MS, number_of

Threshold = Annotated[int, Meta(ge=1, le=10**15)]
# Maximum size of a set of names; further names are not counted.
UNIQUE_CAP = 64


class Facts(Protocol):
    """The questions a criterion may ask about a player."""

    created_at: int

    def count(self, action: str) -> int: ...
    def stat(self, name: str) -> int: ...
    def has_badge(self, badge: str) -> bool: ...
    def longest_streak(self) -> int: ...
    def is_first(self, action: str) -> bool | None: ...
    def best_rank(self, scope: str) -> int | None: ...
    def badge_ids(self) -> Iterable[str]: ...
    def can_meet(self, badge: str) -> bool: ...


class _Criterion(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type"):
    """Base of all kinds of criteria.

    Every kind has `facts()`, the keys of the facts that can change its result, and `met(of, badge)`, the result.
    """

    def possible(self, of: Facts, badge: str) -> bool:
        """Return whether the player can still meet the criterion."""
        return True

    def references(self) -> Iterator[tuple[str, str]]:
        """Yield (kind, name) of everything the criterion names, for validation."""
        yield from ()


class ActionCount(_Criterion, frozen=True, tag="action_count"):
    """Lifetime count of an action."""

    action: str
    at_least: Threshold

    def facts(self) -> Iterator[str]:
        yield f"action:{self.action}"

    def met(self, of: Facts, badge: str) -> bool:
        return of.count(self.action) >= self.at_least

    def references(self) -> Iterator[tuple[str, str]]:
        yield "action", self.action


class AmountTotal(_Criterion, frozen=True, tag="amount_total"):
    """A total of amounts, such as tokens shared."""

    amount: str
    at_least: Threshold

    def facts(self) -> Iterator[str]:
        yield f"stat:{self.amount}"

    def met(self, of: Facts, badge: str) -> bool:
        return of.stat(self.amount) >= self.at_least

    def references(self) -> Iterator[tuple[str, str]]:
        yield "amount", self.amount


class StreakLength(_Criterion, frozen=True, tag="streak"):
    """The longest run of active days."""

    days: Annotated[int, Meta(ge=1, le=3650)]

    def facts(self) -> Iterator[str]:
        yield "streak"

    def met(self, of: Facts, badge: str) -> bool:
        return of.longest_streak() >= self.days


class UniqueCount(_Criterion, frozen=True, tag="unique_count"):
    """The number of distinct providers, models, skills, callers or subscriptions."""

    unique: str
    at_least: Annotated[int, Meta(ge=1, le=UNIQUE_CAP)]

    def facts(self) -> Iterator[str]:
        yield f"stat:{self.unique}"

    def met(self, of: Facts, badge: str) -> bool:
        return of.stat(self.unique) >= self.at_least

    def references(self) -> Iterator[tuple[str, str]]:
        yield "unique", self.unique


class Rank(_Criterion, frozen=True, tag="rank"):
    """Top n of a board's scope (`*`: any), by the player's best judged ranks."""

    top: Annotated[int, Meta(ge=1, le=1000)]
    scope: str = "*"

    def facts(self) -> Iterator[str]:
        yield "rank"

    def met(self, of: Facts, badge: str) -> bool:
        best = of.best_rank(self.scope)
        return best is not None and best <= self.top

    def references(self) -> Iterator[tuple[str, str]]:
        yield "scope", self.scope


class First(_Criterion, frozen=True, tag="first"):
    """The first player to do an action, by commit time; or joined before a date (00:00 UTC)."""

    action: str | None = None
    joined_before: date | None = None

    def __post_init__(self) -> None:
        if (self.action is None) == (self.joined_before is None):
            raise ValueError("'first' takes either action or joined_before")

    def facts(self) -> Iterator[str]:
        yield "joined" if self.action is None else f"action:{self.action}"

    def met(self, of: Facts, badge: str) -> bool:
        if self.joined_before is not None:
            return of.created_at < number_of(self.joined_before) * DAY_MS
        return self.action is not None and of.count(self.action) >= 1 and of.is_first(badge) is True

    def possible(self, of: Facts, badge: str) -> bool:
        if self.joined_before is not None:
            return self.met(of, badge)
        return of.is_first(badge) is not False

    def references(self) -> Iterator[tuple[str, str]]:
        if self.action is not None:
            yield "action", self.action


class Stat(_Criterion, frozen=True, tag="stat"):
    """A stat reaches a threshold."""

    stat: str
    at_least: Threshold

    def facts(self) -> Iterator[str]:
        yield f"stat:{self.stat}"

    def met(self, of: Facts, badge: str) -> bool:
        return of.stat(self.stat) >= self.at_least

    def references(self) -> Iterator[tuple[str, str]]:
        yield "stat", self.stat


class All(_Criterion, frozen=True, tag="all"):
    """All of the criteria and of the named badges (`badges = ["*"]`: every other badge).

    Parts that the player can no longer meet are skipped. If no part is left, it is not met.
    """

    criteria: list[Criterion] = []
    badges: list[str] = []

    def __post_init__(self) -> None:
        if not (self.criteria or self.badges):
            raise ValueError("'all' needs criteria or badges")
        _check_star(self.badges)

    def facts(self) -> Iterator[str]:
        yield from _facts_of(self.criteria, self.badges)

    def met(self, of: Facts, badge: str) -> bool:
        parts = [part.met(of, badge) for part in self.criteria if part.possible(of, badge)]
        parts += [of.has_badge(other) for other in _others(self.badges, of, badge) if of.can_meet(other)]
        return bool(parts) and all(parts)

    def possible(self, of: Facts, badge: str) -> bool:
        return _any_possible(self.criteria, self.badges, of, badge)

    def references(self) -> Iterator[tuple[str, str]]:
        yield from _references_of(self.criteria, self.badges)


class Any(_Criterion, frozen=True, tag="any"):
    """Any one of the criteria or named badges."""

    criteria: list[Criterion] = []
    badges: list[str] = []

    def __post_init__(self) -> None:
        if not (self.criteria or self.badges):
            raise ValueError("'any' needs criteria or badges")
        _check_star(self.badges)

    def facts(self) -> Iterator[str]:
        yield from _facts_of(self.criteria, self.badges)

    def met(self, of: Facts, badge: str) -> bool:
        return any(part.met(of, badge) for part in self.criteria) or any(
            of.has_badge(other) for other in _others(self.badges, of, badge)
        )

    def possible(self, of: Facts, badge: str) -> bool:
        return _any_possible(self.criteria, self.badges, of, badge)

    def references(self) -> Iterator[tuple[str, str]]:
        yield from _references_of(self.criteria, self.badges)


Criterion = ActionCount | AmountTotal | StreakLength | UniqueCount | Rank | First | Stat | All | Any


def _check_star(badges: list[str]) -> None:
    if "*" in badges and badges != ["*"]:
        raise ValueError("'*' (every other badge) must be the only entry")


def claims_first(criterion: Criterion) -> bool:
    """Return whether earning a badge by this criterion may claim the single place of the first player."""
    if isinstance(criterion, First):
        return criterion.action is not None
    return isinstance(criterion, All | Any) and any(claims_first(part) for part in criterion.criteria)


def _facts_of(criteria: list[Criterion], badges: list[str]) -> Iterator[str]:
    for part in criteria:
        yield from part.facts()
    if badges:
        yield "badge"


def _any_possible(criteria: list[Criterion], badges: list[str], of: Facts, badge: str) -> bool:
    return any(part.possible(of, badge) for part in criteria) or any(
        of.can_meet(other) for other in _others(badges, of, badge)
    )


def _references_of(criteria: list[Criterion], badges: list[str]) -> Iterator[tuple[str, str]]:
    for part in criteria:
        yield from part.references()
    yield from (("badge", name) for name in badges)


def _others(badges: list[str], of: Facts, badge: str) -> Iterable[str]:
    return [other for other in of.badge_ids() if other != badge] if badges == ["*"] else badges
