"""Validation beyond types: references between the tables of a ruleset, and bounds."""

from __future__ import annotations

from typing import Any

from chalicelib.domain.core.errors import InvalidRuleset
from chalicelib.domain.core.settings import DERIVED
from chalicelib.domain.identity.names import tidy
from chalicelib.domain.identity.visible_text import is_visible
from chalicelib.domain.rules.criteria import claims_first
from chalicelib.domain.rules.levels import Levels, thresholds
from chalicelib.domain.rules.schema import (
    MAX_ACTIONS,
    MAX_ASSETS,
    MAX_BADGES,
    MAX_FIRST_BADGES,
    MAX_PAIRS,
    NUMERIC_STATS,
    STATS,
    UNIQUE_STATS,
    Board,
    Ruleset,
)


class Check:
    """The validation of one ruleset. Each method raises InvalidRuleset with file, key and reason."""

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

    def shown(self, text: str, key: str) -> None:
        """Check that a displayed text is visible and in its stored form."""
        self.need(is_visible(text), key, "must be visible characters")
        self.need(tidy(text) == text, key, f"must have no needless spaces and be composed (NFC): {tidy(text)}")

    def settings(self) -> None:
        self.need(len(self.rules.assets) <= MAX_ASSETS, "assets", f"must have at most {MAX_ASSETS} assets")
        for name in self.rules.settings.derive:
            self.known(name, DERIVED, "settings.derive", "derivation")
        milestones = self.rules.streaks.milestones
        self.need(len(set(milestones)) == len(milestones), "streaks.milestones", "must name each milestone once")

    def actions(self) -> None:
        self.need(len(self.rules.actions) <= MAX_ACTIONS, "actions", f"must have at most {MAX_ACTIONS} actions")
        for name, action in self.rules.actions.items():
            for asset in action.credits:
                self.known(asset, self.rules.assets, f"actions.{name}.credits", "asset")
            for stat in action.adds.values():
                self.known(stat, NUMERIC_STATS, f"actions.{name}.adds", "stat")
            self.need(
                action.daily_max_per_pair is None or (action.daily_max or MAX_PAIRS + 1) <= MAX_PAIRS,
                f"actions.{name}.daily_max_per_pair",
                f"needs a daily_max of at most {MAX_PAIRS}: each pair of the day is stored",
            )

    def events(self) -> None:
        for type_, action in self.rules.events.items():
            self.known(action, self.rules.actions, f'events."{type_}"', "action")

    def badges(self) -> None:
        badges = self.rules.badges
        self.need(len(badges) <= MAX_BADGES, "badges", f"must have at most {MAX_BADGES} badges")
        firsts = sum(claims_first(badge.criterion) for badge in badges)
        self.need(
            firsts <= MAX_FIRST_BADGES,
            "badges",
            (f"must have at most {MAX_FIRST_BADGES} badges of the first player ever"),
        )
        badge_ids: set[str] = set()
        for index, badge in enumerate(badges):
            key = f"badges[{index}]"
            self.need(badge.id not in badge_ids, f"{key}.id", f"'{badge.id}' is defined twice")
            badge_ids.add(badge.id)
            self.shown(badge.name, f"{key}.name")
            self.need(
                badge.id == _slug(badge.name),
                f"{key}.id",
                f"must be the kebab-case of the name: '{_slug(badge.name)}'",
            )
            self.shown(badge.icon, f"{key}.icon")
            # A description may have several lines.
            self.need(
                is_visible(" ".join(badge.description.split())), f"{key}.description", "must be visible characters"
            )
            self.known(badge.category, self.rules.badge_categories, f"{key}.category", "category")
            self.known(badge.rarity, self.rules.badge_rarities, f"{key}.rarity", "rarity")
        names = {
            "action": set(self.rules.actions),
            "amount": set(NUMERIC_STATS),
            "unique": set(UNIQUE_STATS),
            "stat": set(STATS),
            "badge": {"*", *badge_ids},
            "scope": {"*", *(board.scope for board in self.rules.boards)},
        }
        for index, badge in enumerate(badges):
            for what, value in badge.criterion.references():
                self.known(value, names[what], f"badges[{index}].criterion", what)
        self.no_circles()

    def no_circles(self) -> None:
        """Check that badges do not name each other in a circle: none of them could be judged."""
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
                badge.id not in left,
                f"badges[{index}].criterion",
                ("must not name its own badge, directly or in a cycle"),
            )

    def boards(self) -> None:
        scopes = [board.scope for board in self.rules.boards]
        self.need(len(set(scopes)) == len(scopes), "boards", "must name each scope once")
        for index, board in enumerate(self.rules.boards):
            key = f"boards[{index}]"
            self.need(board.counts_xp or board.period == "all", f"{key}.period", "only XP boards can have periods")
            self.need(
                board.keep_days is None or board.period == "daily",
                f"{key}.keep_days",
                "only daily boards can have keep_days",
            )
            self.need(
                board.keep_days is None or board.keep_days * 1440 > self.rules.settings.freeze_grace_minutes + 1440,
                f"{key}.keep_days",
                "must outlast settings.freeze_grace_minutes by more than a day: the board is read after it is frozen",
            )
            self.rank_rewards(board, f"{key}.rewards")
            for action in board.actions:
                self.known(action, self.rules.actions, f"{key}.actions", "action")
            for stat in board.stats:
                self.known(stat, (*NUMERIC_STATS, *UNIQUE_STATS), f"{key}.stats", "stat")

    def rank_rewards(self, board: Board, key: str) -> None:
        self.need(board.period != "all" or not board.rewards, key, "only boards of periods that end can pay rewards")
        paid: set[tuple[str, int]] = set()
        for reward in board.rewards:
            self.known(reward.asset, self.rules.assets, key, "asset")
            self.need(reward.first <= reward.to, key, f"'from' {reward.first} is after 'to' {reward.to}")
            ranks = {(reward.asset, rank) for rank in range(reward.first, reward.to + 1)}
            self.need(not ranks & paid, key, f"a rank is paid {reward.asset} twice")
            paid |= ranks

    def levels(self) -> Levels:
        rules = self.rules.levels
        if rules.reward:
            self.known(rules.reward.asset, self.rules.assets, "levels.reward.asset", "asset")
        firsts = [title.level for title in rules.titles]
        self.need(bool(firsts) and firsts[0] == 1, "levels.titles", "the first title must begin at level 1")
        self.need(firsts == sorted(set(firsts)), "levels.titles", "must ascend by level, each level once")
        for index, title in enumerate(rules.titles):
            self.shown(title.title, f"levels.titles[{index}].title")
        titles = tuple((title.level, title.title) for title in rules.titles)
        if rules.thresholds is not None:
            self.need(
                rules.base is None and rules.exponent is None and rules.cap is None,
                "levels",
                "must have thresholds or a formula, not both",
            )
            ascending = all(a < b for a, b in zip(rules.thresholds, rules.thresholds[1:], strict=False))
            self.need(ascending and rules.thresholds[0] == 0, "levels.thresholds", "must start at 0 and ascend")
            return Levels(tuple(rules.thresholds), titles)
        if rules.base is None or rules.exponent is None or rules.cap is None:
            raise InvalidRuleset(self.file, "levels", "needs base, exponent and cap, or thresholds")
        half_powers = round(rules.exponent * 2)
        self.need(half_powers == rules.exponent * 2, "levels.exponent", "must be a multiple of 0.5")
        return Levels(thresholds(rules.base, half_powers, rules.cap), titles)


def _slug(name: str) -> str:
    words = "".join(char.lower() if char.isalnum() else " " for char in name).split()
    return "-".join(words)
