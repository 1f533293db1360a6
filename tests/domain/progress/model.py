"""The rules once more, naively: a single-threaded model that keeps every applied event and works all out from them.

It shares no code with `chalicelib.domain`, only the ruleset's data; slow, short, and written from the specification.

    model = Model(rules.ruleset)
    model.apply(event, commit_ms)     # "applied", "duplicate", "mismatch", "unknown" or "rejected"
    model.player("ada")               # everything that can be observed about a player, as plain data

An event is anything with the attributes of `Occurrence`; a parsed `domain.events.Event` is one.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import isqrt
from typing import Any, Protocol

import msgspec

DAY = 86_400_000
SET_CAP = 64
NAMES = {
    "providers": "provider",
    "models": "model",
    "skills": "skill",
    "callers": "caller",
    "subscriptions": "subscriptionId",
}
SUMS = ("tokensIn", "tokensOut", "costMicroUsd", "tokensSaved", "costSavedMicroUsd")
# Events that do no action of their own.
SHOWN_AS = ("profile.changed", "player.hidden", "player.unhidden")
IMPORTED = "player.imported"
SPECIAL = (IMPORTED, "award", "badge.granted", "badge.revoked", "transfer.received", *SHOWN_AS)
FLAGS = {"cacheHits": "cacheHit", "semanticHits": "semanticHit", "racesWon": "raceWon", "factsStored": "factStored"}


class Occurrence(Protocol):
    """The attributes of an event that the model reads. `keyed`: its identity is without time."""

    player: str
    type: str
    source: str
    id: str
    time_ms: int
    received_ms: int
    keyed: bool
    data: dict[str, Any]


@dataclass
class Happened:
    """One applied event and what was decided when it was: nothing of this is ever taken back.

    `own`: it did an action of its own, an award or a decision does not. `counted` are all its actions, paid or not.
    """

    event: Occurrence
    commit_ms: int
    known: bool = True
    own: bool = False
    counted: list[str] = field(default_factory=list)
    accepted: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    paid: list[tuple[str, int]] = field(default_factory=list)
    credits: Counter[str] = field(default_factory=Counter)
    milestones: list[int] = field(default_factory=list)
    badges: list[str] = field(default_factory=list)
    levels: tuple[int, int] | None = None
    streak: int | None = None
    unpaid_badges: list[str] = field(default_factory=list)
    unpaid_milestones: list[int] = field(default_factory=list)
    unpaid_level: int = 1

    @property
    def imported(self) -> dict[str, Any]:
        """Return the imported figures, if it is an import."""
        return self.event.data if self.event.type == IMPORTED else {}

    @property
    def day(self) -> int:
        return self.event.time_ms // DAY

    @property
    def xp(self) -> int:
        return sum(xp for _, xp in self.paid)

    @property
    def request(self) -> bool:
        """Return whether it is a request that ended well: all others of its type are log and stats only."""
        return self.event.type == "request.completed" and (_said(self.event.data, "status") or "ok") == "ok"


class Refused(Exception):
    """An event that rules reject."""


class Model:
    """All players of one deployment. `applied` is the history, in commit order."""

    def __init__(self, ruleset: Any) -> None:
        self.rules: dict[str, Any] = msgspec.to_builtins(ruleset)
        self.thresholds = _thresholds(self.rules["levels"])
        self.badges = {badge["id"]: badge for badge in self.rules["badges"]}
        self.applied: dict[str, list[Happened]] = defaultdict(list)
        self.created: dict[str, int] = {}
        self.firsts: dict[str, str] = {}

    # Events -----------------------------------------------------------------------------------------------------

    def create(self, player: str, commit_ms: int) -> None:
        """Create a player before any event (made with its key)."""
        self.created.setdefault(player, commit_ms)

    def apply(self, event: Occurrence, commit_ms: int) -> str:
        """Apply one event; `commit_ms` is the time of its commit."""
        before = self.applied[event.player]
        same = next((old for old in before if _identity(old.event) == _identity(event)), None)
        if same is not None and event.type == IMPORTED and same.event.data != event.data:
            return "rejected"
        if same is not None:
            unchanged = (same.event.type, same.event.data) == (event.type, event.data)
            return "duplicate" if unchanged else "mismatch"
        kind = event.type
        if kind not in SPECIAL and kind not in self.rules["events"]:
            before.append(Happened(event, commit_ms, known=False))
            return "unknown"
        try:
            self._check(event)
        except Refused:
            return "rejected"
        created = kind not in SHOWN_AS and all(one.event.type in SHOWN_AS for one in self.known(event.player))
        self.create(event.player, commit_ms)
        self._decide(Happened(event, commit_ms), created)
        return "applied"

    def known(self, player: str) -> list[Happened]:
        """Return the player's applied events of known types."""
        return [one for one in self.applied[player] if one.known]

    def _check(self, event: Occurrence) -> None:
        if event.type in ("badge.granted", "badge.revoked") and event.data["badgeId"] not in self.badges:
            raise Refused
        if event.type in SHOWN_AS and event.player not in self.created:
            raise Refused
        if event.type == IMPORTED and (
            event.data.get("badges", {}).keys() - self.badges.keys()
            or event.data.get("actions", {}).keys() - self.rules["actions"].keys()
            or event.data.get("balances", {}).keys() - self.rules["assets"].keys()
            or event.data.get("displayName") == ""
        ):
            raise Refused
        if event.type in ("profile.changed", IMPORTED) and not _can_be_shown(event.data.get("displayName", "")):
            raise Refused
        if event.type != "award":
            return
        bounds = self.rules["awards"]
        granted = abs(event.data["points"])
        if granted == 0 or granted > bounds["max_points"]:
            raise Refused
        if event.data.get("reserved"):
            return  # the day had room for it when it was accepted, and counts it since
        for history in self.applied.values():
            for one in history:
                if one.event.type != "award" or one.event.data.get("reserved"):
                    continue
                if _granter(one.event) == _granter(event):
                    granted += abs(one.event.data["points"])
        if granted > bounds["max_points_per_granter_and_day"]:
            raise Refused

    def _decide(self, now: Happened, created: bool) -> None:
        player, data = now.event.player, now.event.data
        inputs = self._inputs(player, joined=not created)
        streak, level = self.current_streak(player, now.commit_ms // DAY), self.best_level(player)
        actions = self._actions(now)
        self.applied[player].append(now)
        now.own = bool(actions)
        for action in actions:
            self._act(now, action)
        if now.event.type == IMPORTED:
            self._import(now, inputs)
            return
        if now.event.type == "award":
            now.counted.append("award")
            now.paid.append(("award", data["points"]))
        if now.event.type == "badge.granted" and not self._ever_earned(player, data["badgeId"], now):
            self._earn(now, data["badgeId"])
        self._judge(now, inputs)
        reached = self.level(player)
        if reached > level:
            now.levels = (level, reached)
            reward = self.rules["levels"]["reward"]
            if reward:
                now.credits[reward["asset"]] += reward["amount"] * (reached - level)
        after = self.current_streak(player, now.commit_ms // DAY)
        now.streak = after if after != streak else None

    def _import(self, now: Happened, inputs: dict[str, Any]) -> None:
        """Add figures of another system, which nothing is paid for."""
        player, data = now.event.player, now.event.data
        now.paid.append(("import", data.get("xp", 0)))
        now.credits.update(data.get("balances", {}))
        before = self.badge_states(player)
        now.unpaid_badges = [badge for badge in data.get("badges", {}) if badge not in before]
        run = next((run for run in _runs(self.active_days(player)) if data.get("streak", {}).get("lastDay") in run), [])
        if data.get("streak", {}).get("current"):
            marks = self.marks(player)
            for milestone in sorted(self.rules["streaks"]["milestones"]):
                if len(run) >= milestone and not any(day in run for day in marks.get(milestone, ())):
                    now.unpaid_milestones.append(milestone)
        self._judge(now, inputs)
        now.unpaid_level = self.level(player)

    def _actions(self, now: Happened) -> list[str]:
        """Return the actions that the event pays, judged by the events applied before it."""
        event, data = now.event, now.event.data
        if event.type in SPECIAL:
            return []
        if event.type != "request.completed":
            return [self.rules["events"][event.type]]
        if not now.request:
            return []
        requests = [one for one in self.known(event.player) if one.request]
        found = [self.rules["events"][event.type]]
        last = self._last_provider(requests)
        if _said(data, "provider") and last and last != data["provider"]:
            found.append("provider_switch")
        if _said(data, "model"):
            uses = [one.event.time_ms for one in requests if one.event.data.get("model") == data["model"]]
            if all(abs(used - event.time_ms) > 7 * 24 * 3_600_000 for used in uses):
                found.append("model_diversity")
        found += ["combo_use"] * bool(_said(data, "comboId"))
        found += ["compression_use"] * bool(_said(data, "compressionUsed"))
        found += ["skill_use"] * bool(_said(data, "skillUsed"))
        return found[:1] + [action for action in found[1:] if action in self.rules["settings"]["derive"]]

    @staticmethod
    def _last_provider(requests: Iterable[Happened]) -> str | None:
        last: Happened | None = None
        for one in requests:
            if _said(one.event.data, "provider") and (last is None or one.event.time_ms >= last.event.time_ms):
                last = one
        return last.event.data["provider"] if last else None

    def _act(self, now: Happened, action: str) -> None:
        rule = self.rules["actions"].get(action)
        if rule is None:
            return
        now.counted.append(action)
        reason = self._refusal(now, action, rule)
        if reason:
            now.refused[action] = reason
            return
        active = now.day in self.active_days(now.event.player)
        first_request = action == "request" and not any(
            "request" in one.accepted and one.day == now.day for one in self.known(now.event.player)
        )
        now.accepted.append(action)
        now.paid.append((action, rule["xp"]))
        now.credits.update(rule["credits"])
        if rule["streak_day"] and not active:
            self._milestones(now)
        if first_request:
            self._act(now, "daily_login")

    def _refusal(self, now: Happened, action: str, rule: dict[str, Any]) -> str:
        others = [one for one in self.known(now.event.player) if one is not now]
        member = rule["once_per"]
        if member:
            done = [_said(one.event.data, member) for one in others if action in one.counted]
            if _said(now.event.data, member) is None or now.event.data[member] in done:
                return f"once_per_{member}"
        paid = [one for one in (*others, now) for each in one.accepted if each == action and one.day == now.day]
        if rule["daily_max"] is not None and len(paid) >= rule["daily_max"]:
            return "daily_max"
        to = now.event.data.get("to")
        if rule["daily_max_per_pair"] is not None and to:
            same = [one for one in paid if one.event.data.get("to") == to]
            if len(same) >= rule["daily_max_per_pair"]:
                return "daily_max_per_pair"
        return ""

    def _milestones(self, now: Happened) -> None:
        run = next(run for run in _runs(self.active_days(now.event.player)) if now.day in run)
        marks = self.marks(now.event.player)
        for milestone in sorted(self.rules["streaks"]["milestones"]):
            if len(run) >= milestone and not any(day in run for day in marks.get(milestone, ())):
                now.milestones.append(milestone)
                self._act(now, "streak_milestone")

    # Badges -----------------------------------------------------------------------------------------------------

    def _judge(self, now: Happened, inputs: dict[str, Any]) -> None:
        """Give badges to a fixpoint: those not earned whose criterion names something that changed."""
        player = now.event.player
        while True:
            after = self._inputs(player)
            changed = {name for name in after if after[name] != inputs.get(name)}
            if not changed:
                return
            inputs = after
            for badge, rule in self.badges.items():
                names = set(_named(rule["criterion"]))
                if now.imported and _claims_first(rule["criterion"]):
                    continue
                if names & changed and not self._ever_earned(player, badge) and self._met(player, badge):
                    self._earn(now, badge)

    def _earn(self, now: Happened, badge: str) -> None:
        if now.event.type == IMPORTED:
            now.unpaid_badges.append(badge)
            return
        now.badges.append(badge)
        self._act(now, "badge_earned")
        by_rule = not (now.event.type == "badge.granted" and now.event.data["badgeId"] == badge)
        if by_rule and self._takes_first(now.event.player, badge, self.badges[badge]["criterion"]):
            self.firsts[badge] = now.event.player

    def _takes_first(self, player: str, badge: str, criterion: dict[str, Any]) -> bool:
        if criterion["type"] == "first":
            return criterion["action"] is not None and self._holds(player, badge, criterion)
        return any(self._takes_first(player, badge, part) for part in criterion.get("criteria", ()))

    def _inputs(self, player: str, joined: bool = True) -> dict[str, Any]:
        """Return everything that criteria can name, by name."""
        named: dict[str, Any] = {f"action:{name}": count for name, count in self.counters(player).items()}
        stats: dict[str, Any] = {**self.stats(player), **self._sizes(player)}
        named |= {f"stat:{name}": value for name, value in stats.items()}
        named["stat:xp"], named["stat:level"] = max(0, self.xp(player)), self.level(player)
        named["streak"] = self.active_days(player), self.longest(player)
        named["badge"] = {badge for one in self.known(player) for badge in (*one.badges, *one.unpaid_badges)}
        named["joined"] = joined
        return named

    def _met(self, player: str, badge: str) -> bool:
        return self._holds(player, badge, self.badges[badge]["criterion"])

    def _holds(self, player: str, badge: str, criterion: dict[str, Any]) -> bool:
        kind = criterion["type"]
        if kind in ("all", "any"):
            return self._holds_group(player, badge, criterion)
        if kind == "first":
            if criterion["joined_before"]:
                return self.created[player] < _midnight(criterion["joined_before"])
            return self.counters(player)[criterion["action"]] > 0 and self.firsts.get(badge, player) == player
        if kind == "rank":
            return False
        if kind == "streak":
            return self.longest(player) >= criterion["days"]
        if kind == "action_count":
            return self.counters(player)[criterion["action"]] >= criterion["at_least"]
        name = criterion.get("amount") or criterion.get("unique") or criterion.get("stat")
        values = {**self.stats(player), **self._sizes(player)}
        values |= {"xp": max(0, self.xp(player)), "level": self.level(player)}
        return bool(values.get(name, 0) >= criterion["at_least"])

    def _holds_group(self, player: str, badge: str, criterion: dict[str, Any]) -> bool:
        parts = criterion["criteria"]
        others = self._others(badge, criterion)
        held = self.held(player)
        if criterion["type"] == "any":
            return any(self._holds(player, badge, part) for part in parts) or any(other in held for other in others)
        left = [self._holds(player, badge, part) for part in parts if self._possible(player, badge, part)]
        left += [other in held for other in others if self._reachable(player, other)]
        return bool(left) and all(left)

    def _others(self, badge: str, criterion: dict[str, Any]) -> list[str]:
        return (
            [other for other in self.badges if other != badge] if criterion["badges"] == ["*"] else criterion["badges"]
        )

    def _possible(self, player: str, badge: str, criterion: dict[str, Any]) -> bool:
        """Return whether the player can still meet the criterion."""
        if criterion["type"] == "first":
            if criterion["joined_before"]:
                return self._holds(player, badge, criterion)
            return self.firsts.get(badge, player) == player
        if criterion["type"] in ("all", "any"):
            return any(self._possible(player, badge, part) for part in criterion["criteria"]) or any(
                self._reachable(player, other) for other in self._others(badge, criterion)
            )
        return True

    def _reachable(self, player: str, badge: str) -> bool:
        if self._ever_earned(player, badge):
            return badge in self.held(player)
        return self._possible(player, badge, self.badges[badge]["criterion"])

    def _ever_earned(self, player: str, badge: str, but: Happened | None = None) -> bool:
        return any(badge in (*one.badges, *one.unpaid_badges) for one in self.known(player) if one is not but)

    def held(self, player: str) -> dict[str, dict[str, Any]]:
        """Return the badges that are not revoked."""
        return {badge: state for badge, state in self.badge_states(player).items() if state["held"]}

    def badge_states(self, player: str) -> dict[str, dict[str, Any]]:
        """Return badge -> when it was earned, whether it is held, and whether its last granting was manual."""
        states: dict[str, dict[str, Any]] = {}
        for one in self.known(player):
            decided = one.event.data.get("badgeId") if one.event.type.startswith("badge.") else None
            if one.event.type == "badge.revoked" and decided in states:
                states[decided]["held"] = False
            if one.event.type == "badge.granted" and decided in states and not states[decided]["held"]:
                states[decided] |= {"held": True, "by_hand": True}
            for badge in one.unpaid_badges:
                at_ms = one.imported.get("badges", {}).get(badge) or one.commit_ms
                states[badge] = {"earned_at": at_ms, "held": True, "by_hand": False, "paid": False}
            by_hand = decided if one.event.type == "badge.granted" else None
            for badge in one.badges:
                states[badge] = {"earned_at": one.commit_ms, "held": True, "by_hand": badge == by_hand, "paid": True}
        return states

    # What follows from the history ------------------------------------------------------------------------------

    def xp(self, player: str) -> int:
        """Return the signed total."""
        return sum(one.xp for one in self.known(player))

    def level(self, player: str) -> int:
        return self.level_at(self.xp(player))

    def level_at(self, xp: int) -> int:
        return max(level for level, total in enumerate(self.thresholds, 1) if level == 1 or total <= xp)

    def best_level(self, player: str) -> int:
        return max((one.levels[1] if one.levels else one.unpaid_level for one in self.known(player)), default=1)

    def title(self, level: int) -> str:
        return [str(title["title"]) for title in self.rules["levels"]["titles"] if title["level"] <= level][-1]

    def counters(self, player: str) -> Counter[str]:
        found = Counter(action for one in self.known(player) for action in one.counted)
        for one in self.known(player):
            found.update(one.imported.get("actions", {}))
        return found

    def stats(self, player: str) -> Counter[str]:
        """Return sums and counts, without the distinct names."""
        found: Counter[str] = Counter()
        pairs: Counter[str] = Counter()
        for one in self.known(player):
            data = one.event.data
            if one.event.type == "request.completed":
                found["requests"] += 1
                for name in SUMS:
                    found[name] += data.get(name, 0)
                for name, flag in FLAGS.items():
                    found[name] += bool(data.get(flag))
            for action in (action for action in one.counted if action != "award"):
                for member, stat in self.rules["actions"][action]["adds"].items():
                    found[stat] += data.get(member, 0)
            if one.event.type == "transfer.sent":
                pairs[data["to"]] += data["amount"]
            if one.event.type == "transfer.received":
                pairs[data["from"]] -= data["amount"]
        found["tokensSharedNet"] += sum(net for net in pairs.values() if net > 0)
        found["daysActive"] = len(self.active_days(player))
        return found

    def sets(self, player: str) -> dict[str, list[str]]:
        """Return distinct names in the order of their first use, at most 64 of each."""
        found: dict[str, list[str]] = {unique: [] for unique in NAMES}
        for one in self.known(player):
            if not one.own:
                continue
            values = [(unique, _said(one.event.data, member)) for unique, member in NAMES.items()]
            if one.request and isinstance(_said(one.event.data, "skillUsed"), str):
                values.append(("skills", one.event.data["skillUsed"]))
            for unique, name in values:
                if name and name not in found[unique] and len(found[unique]) < SET_CAP:
                    found[unique].append(name)
        return found

    def _sizes(self, player: str) -> dict[str, int]:
        return {unique: len(names) for unique, names in self.sets(player).items()}

    def active_days(self, player: str) -> list[int]:
        streak = {name for name, rule in self.rules["actions"].items() if rule["streak_day"]}
        days = {one.day for one in self.known(player) if streak & set(one.accepted)}
        for one in self.known(player):
            run = one.imported.get("streak", {})
            days |= {run["lastDay"] - back for back in range(run.get("current", 0))}
        return sorted(days)

    def marks(self, player: str) -> dict[int, list[int]]:
        """Return milestone -> the days that carry its mark."""
        found: dict[int, list[int]] = {}
        for one in self.known(player):
            for milestone in one.milestones:
                found.setdefault(milestone, []).append(one.day)
            for milestone in one.unpaid_milestones:
                found.setdefault(milestone, []).append(one.imported["streak"]["lastDay"])
        return found

    def longest(self, player: str) -> int:
        imported = [one.imported.get("streak", {}).get("longest", 0) for one in self.known(player)]
        return max([*imported, *(len(run) for run in _runs(self.active_days(player)))], default=0)

    def current_streak(self, player: str, today: int) -> int:
        runs = _runs(self.active_days(player))
        return len(runs[-1]) if runs and runs[-1][-1] >= today - 1 else 0

    def figures(self, player: str) -> dict[int, dict[str, int]]:
        """Return day -> count, XP, tokens and cost saved."""
        found: dict[int, dict[str, int]] = {}
        for one in self.known(player):
            figures = found.setdefault(one.day, {"count": 0, "xp": 0, "tokens_saved": 0, "cost_saved": 0})
            figures["xp"] += 0 if one.imported else one.xp
            figures["count"] += one.own
            if one.request:
                figures["tokens_saved"] += one.event.data.get("tokensSaved", 0)
                figures["cost_saved"] += one.event.data.get("costSavedMicroUsd", 0)
        return {day: figures for day, figures in found.items() if any(figures.values())}

    def periods(self, player: str) -> dict[str, int]:
        """Return period -> signed XP received in time, for each day, ISO week and month of an event, and `all`."""
        found: Counter[str] = Counter()
        for one in self.known(player):
            for name in period_names(one.day):
                found[name] += one.xp if name in _counting(one) and name not in self.missed(one.event) else 0
        return dict(found)

    def missed(self, event: Occurrence) -> list[str]:
        """Return the periods that had been over by more than the grace when the event was received.

        They are those that did not hold, nor come after, the last moment for which it would have been on time.
        """
        last = event.received_ms - self.rules["settings"]["freeze_grace_minutes"] * 60_000 - 1
        of_event, at_last = period_names(event.time_ms // DAY), period_names(last // DAY)
        return [name for name, other in zip(of_event, at_last, strict=True) if name < other]

    def late(self, event: Occurrence) -> list[str]:
        """Return the kinds of boards that an event is too late for."""
        return [_kind(name) for name in self.missed(event)]

    def reached_at(self, player: str) -> dict[str, int]:
        """Return period -> commit time of the last event that paid XP in it, in time."""
        found: dict[str, int] = {}
        for one in self.known(player):
            if any(xp for _, xp in one.paid):
                for name in _counting(one) - set(self.missed(one.event)):
                    found[name] = max(found.get(name, 0), one.commit_ms)
        return found

    def boards(self, player: str) -> dict[str, int]:
        """Return board -> score, for each board that holds a period of one of the player's events."""
        found: dict[str, int] = {}
        counted = self.counters(player) + self.stats(player) + Counter(self._sizes(player))
        for board in self.rules["boards"]:
            if board["actions"] or board["stats"]:
                found[f"{board['scope']}#all"] = sum(counted[name] for name in (*board["actions"], *board["stats"]))
                continue
            for name, xp in self.periods(player).items():
                if _kind(name) == board["period"]:
                    found[f"{board['scope']}#{name}"] = max(0, xp)
        return found

    def shown_as(self, player: str) -> dict[str, Any]:
        """Return the chosen name (""), and whether the player is private, and hidden: the latest wish by its time."""
        shown = {"name": "", "private": False, "hidden": False}
        for one in sorted(self.known(player), key=lambda one: 0 if one.imported else one.event.time_ms):
            if one.imported:
                shown["name"] = one.imported.get("displayName", shown["name"])
                shown["private"] |= one.imported.get("private", False)
            if one.event.type == "profile.changed":
                shown["name"] = one.event.data.get("displayName", shown["name"])
                shown["private"] = one.event.data.get("private", shown["private"])
            if one.event.type in ("player.hidden", "player.unhidden"):
                shown["hidden"] = one.event.type == "player.hidden"
        return shown

    def credits(self, player: str) -> dict[str, int]:
        """Return asset -> the sum that rules have paid."""
        total: Counter[str] = Counter()
        for one in self.known(player):
            total.update(one.credits)
        return {asset: amount for asset, amount in total.items() if amount}

    def player(self, player: str) -> dict[str, Any]:
        """Return everything that can be observed, as plain data; zeros and empty sets are left out."""
        history = self.known(player)
        level = self.level(player)
        days = self.active_days(player)
        return {
            "exists": player in self.created,
            "created_at": self.created.get(player),
            "shown_as": self.shown_as(player),
            "xp": self.xp(player),
            "award_xp": sum(one.event.data["points"] for one in history if one.event.type == "award"),
            "level": level,
            "title": self.title(level),
            "rewarded_level": self.best_level(player),
            "counters": dict(self.counters(player)),
            "stats": {name: value for name, value in self.stats(player).items() if value},
            "sets": {unique: names for unique, names in self.sets(player).items() if names},
            "badges": self.badge_states(player),
            "active_days": days,
            "marks": self.marks(player),
            "longest": self.longest(player),
            "last_active_day": days[-1] if days else -1,
            "last_provider": self._last_provider(one for one in history if one.request) or "",
            "figures": self.figures(player),
            "periods": {name: xp for name, xp in self.periods(player).items() if xp},
            "credits": self.credits(player),
            "entries": [_entry(one, self.late(one.event)) for one in self.applied[player]],
        }


def period_names(day: int) -> tuple[str, str, str, str]:
    """Return the day, ISO week and month that hold a day (counted from 1970-01-01), and `all`."""
    when = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day)
    return when.strftime("%Y-%m-%d"), when.strftime("%G-W%V"), when.strftime("%Y-%m"), "all"


def _counting(one: Happened) -> set[str]:
    """Return the periods that count the XP of an event. Imported XP belongs to no day."""
    return {"all"} if one.event.type == IMPORTED else set(period_names(one.day))


def _claims_first(criterion: dict[str, Any]) -> bool:
    if criterion["type"] == "first":
        return criterion["action"] is not None
    return any(_claims_first(part) for part in criterion.get("criteria", ()))


def _can_be_shown(name: str) -> bool:
    """Return whether a name of Latin letters is visible, with single spaces only, and is not like a masked one.

    An empty name means that there is none.
    """
    masked = name.lower().startswith(("user**", "player #"))
    return name == "" or (name.isprintable() and name == " ".join(name.split()) and len(name) <= 50 and not masked)


def _kind(period: str) -> str:
    return {10: "daily", 8: "weekly", 7: "monthly", 3: "all"}[len(period)]


def _identity(event: Occurrence) -> tuple[object, ...]:
    accepted_from = event.data.get("grantedBy") if event.type == "award" and event.data.get("reserved") else None
    return event.player, event.source, event.id, None if event.keyed else event.time_ms, accepted_from


def _granter(event: Occurrence) -> tuple[str, int]:
    return _said(event.data, "grantedBy") or event.source, event.received_ms // DAY


def _entry(one: Happened, late: list[str]) -> dict[str, Any]:
    paid: Counter[str] = Counter()
    for action, xp in one.paid:
        paid[action] += xp
    return {
        "source": one.event.source,
        "id": one.event.id,
        "time_ms": one.event.time_ms,
        "type": one.event.type,
        "paid": {action: xp for action, xp in paid.items() if xp},
        "unpaid": dict(one.refused),
        "credits": {asset: amount for asset, amount in one.credits.items() if amount},
        "badges": sorted(one.badges),
        "milestones": list(one.milestones),
        "levels": one.levels,
        "streak": one.streak,
        "late": late if any(xp for _, xp in one.paid) else [],
    }


def _runs(days: Iterable[int]) -> list[list[int]]:
    runs: list[list[int]] = []
    for day in days:
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    return runs


def _named(criterion: dict[str, Any]) -> Iterable[str]:
    """Yield the inputs that a criterion names."""
    kind = criterion["type"]
    if kind == "action_count" or (kind == "first" and criterion["action"]):
        yield f"action:{criterion['action']}"
    elif kind == "first":
        yield "joined"
    elif kind == "streak":
        yield "streak"
    elif kind in ("amount_total", "unique_count", "stat"):
        yield f"stat:{criterion.get('amount') or criterion.get('unique') or criterion.get('stat')}"
    for part in criterion.get("criteria", ()):
        yield from _named(part)
    if criterion.get("badges"):
        yield "badge"


def _said(data: dict[str, Any], member: str) -> Any:
    """Return a member's value; None if it is missing, blank, or a model called unknown."""
    value = data.get(member)
    if not isinstance(value, str):
        return value
    return None if value.isspace() or value == "" or (member, value.lower().strip()) == ("model", "unknown") else value


def _thresholds(rules: dict[str, Any]) -> list[int]:
    """Return the total XP at which each level begins."""
    if rules["thresholds"]:
        return list(rules["thresholds"])
    totals = [0]
    for k in range(2, rules["cap"] + 1):
        totals.append(totals[-1] + isqrt(rules["base"] ** 2 * k ** round(2 * rules["exponent"])))
    return totals


def _midnight(date: str) -> int:
    return int(datetime.fromisoformat(date).replace(tzinfo=UTC).timestamp()) * 1000
