"""The state of `chalicelib.domain` in the shape of `Model.player`, so that the two can be compared."""

from __future__ import annotations

from typing import Any

from chalicelib.domain.core.periods import ALL, MINUTE_MS, day_of, period_of
from chalicelib.domain.progress.daily_stats import DailyStats
from chalicelib.domain.progress.log import Records
from chalicelib.domain.progress.player import Player
from chalicelib.domain.rules.ruleset import Rules


def observed(player: Player, records: Records, rules: Rules) -> dict[str, Any]:
    """Return everything observable of a player whose whole log lies in `records`."""
    level = player.level(rules)
    days = active_days(player)
    figures = {day: _figures(player.day_stats_of(day)) for day in {*player.past, player.day} if day >= 0}
    entries = log_entries(records)
    return {
        "exists": True,
        "created_at": player.created_at,
        "shown_as": {
            "name": player.identity.display_name or "",
            "private": player.identity.private,
            "hidden": player.identity.hidden,
        },
        "xp": player.xp,
        "award_xp": player.award_xp,
        "level": level,
        "title": rules.levels.title(level),
        "rewarded_level": player.rewarded_level,
        "counters": {name: count for name, count in player.counters.items() if count},
        "stats": {name: value for name, value in player.stats.items() if value},
        "sets": {unique: list(names) for unique, names in player.sets.items() if names},
        "badges": {
            badge: {
                "earned_at": earned.earned_at,
                "held": player.holds(badge),
                "by_hand": earned.by_hand,
                "paid": any(badge in entry["badges"] for entry in entries),
            }
            for badge, earned in player.badges.items()
        },
        "active_days": days,
        "marks": {milestone: list(marked) for milestone, marked in player.streak.marks.items()},
        "longest": player.streak.longest,
        "last_active_day": player.streak.last,
        "last_provider": player.last_provider,
        "figures": {day: shown for day, shown in figures.items() if any(shown.values())},
        "periods": periods(player, {day_of(entry["time_ms"]) for entry in entries}),
        "credits": _sums(entry["credits"] for entry in entries),
        "entries": entries,
    }


def log_entries(records: Records) -> list[dict[str, Any]]:
    """Return the entries of the log, by time."""
    return [
        {
            "source": entry.source,
            "id": entry.id,
            "time_ms": minute * MINUTE_MS + entry.offset,
            "type": entry.type,
            "paid": entry.paid,
            "unpaid": entry.unpaid,
            "credits": entry.credits,
            "badges": sorted(entry.badges),
            "milestones": entry.milestones,
            "levels": entry.levels,
            "streak": entry.streak,
            "late": entry.late,
        }
        for minute, pack in sorted(records.minutes.items())
        for entry in (*pack.stored, *pack.appended)
    ]


def active_days(player: Player) -> list[int]:
    first = min((day_of_year(year) for year in player.streak.years), default=0)
    return [day for day in range(first, player.streak.last + 1) if player.streak.is_active(day)]


def day_of_year(year: int) -> int:
    """Return the number of a year's first day."""
    return (year - 1970) * 365 + (year - 1969) // 4 - (year - 1901) // 100 + (year - 1601) // 400


def periods(player: Player, days: set[int]) -> dict[str, int]:
    """Return period -> signed XP, where it is not 0."""
    found = {}
    for kind in (ALL, "daily", "weekly", "monthly"):
        for day in days:
            period = period_of(kind, day)
            found[period.id] = player.period_xp(period)[0]
    return {name: xp for name, xp in found.items() if xp}


def _figures(figures: DailyStats) -> dict[str, int]:
    return {
        "count": figures.count,
        "xp": figures.xp,
        "tokens_saved": figures.tokens_saved,
        "cost_saved": figures.cost_saved,
    }


def _sums(amounts: Any) -> dict[str, int]:
    total: dict[str, int] = {}
    for each in amounts:
        for asset, amount in each.items():
            total[asset] = total.get(asset, 0) + amount
    return total
