"""Applying one event to one player: the rules of actions, streaks, badges and levels. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from chalicelib.domain.badges import earn_badges, grant, revoke
from chalicelib.domain.errors import RejectedEvent
from chalicelib.domain.events import Event
from chalicelib.domain.log import Entry, Keyed, Records
from chalicelib.domain.payloads import (
    Award,
    BadgeDecision,
    Payload,
    RequestCompleted,
    TransferReceived,
    TransferSent,
)
from chalicelib.domain.periods import MINUTE_MS, day_of
from chalicelib.domain.player import DIVERSITY_WINDOW_MS, Pair, Player, model_digest, shorten
from chalicelib.domain.ruleset import UNIQUE_STATS, Rules

REQUEST = "request.completed"
AWARD_ACTION = "award"


@dataclass(frozen=True, slots=True)
class Credit:
    """What the ledger owes for one event: an amount of an asset, and the causes it sums up."""

    asset: str
    amount: int
    identity: str
    causes: dict[str, int]


@dataclass(slots=True)
class Applied:
    """An event's effect: the entry for the log, the credits for the ledger, the day whose boards may have moved."""

    entry: Entry
    day: int
    credits: list[Credit] = field(default_factory=list)
    known: bool = True


def duplicate_of(event: Event, records: Records) -> tuple[int, Entry] | None:
    """(time, entry) of the same event applied before, or None."""
    if event.keyed:
        keyed = records.keyed.get(event.identity)
        return (keyed.time_ms, keyed.entry) if keyed else None
    entry = records.minute(event.time_ms).find(event.identity)
    return (event.time_ms, entry) if entry else None


def log_window(player: Player, event: Event, records: Records, rules: Rules) -> tuple[int, int] | None:
    """The interval of the log that must be read before the event can be applied: only for a late use of a model."""
    if event.type != REQUEST or not event.payload.model or "model_diversity" not in rules.derive:
        return None
    if event.identity in records.used_models or event.payload.status != "ok":
        return None
    if player.used_recently(model_digest(shorten(event.payload.model)), event.time_ms) is not None:
        return None
    return event.time_ms - DIVERSITY_WINDOW_MS, event.time_ms


def apply(player: Player, event: Event, records: Records, rules: Rules, now_ms: int) -> Applied:
    """Apply an event that is no duplicate. `now_ms` is the commit's time.

    Changes `player` and `records`; raises RejectedEvent (and changes nothing) for an award over a bound or a
    decision about an unknown badge.
    """
    change = _Change(player, event, records, rules, now_ms)
    if isinstance(event.payload, RequestCompleted):
        change.request(event.payload)
    elif isinstance(event.payload, Award):
        change.award(event.payload)
    elif isinstance(event.payload, BadgeDecision):
        change.decision(event.type, event.payload)
    elif isinstance(event.payload, TransferReceived):
        change.transferred(event.payload.sender, received=event.payload.amount)
    elif event.type in rules.ruleset.events:
        change.action(rules.ruleset.events[event.type], event.payload)
    else:
        return change.finish(known=False)
    change.settle()
    return change.finish(known=True)


class _Change:
    """One event's effect in the making."""

    def __init__(self, player: Player, event: Event, records: Records, rules: Rules, now_ms: int) -> None:
        self.player, self.event, self.records, self.rules, self.now_ms = player, event, records, rules, now_ms
        self.day = day_of(event.time_ms)
        # A player made by a key has a version before any event: nothing counted yet is what tells a newcomer.
        self.facts: set[str] = set() if player.counters else {"joined"}
        self.credits: dict[str, dict[str, int]] = {}
        self.before = (player.level(rules), player.streak.current(day_of(now_ms)))
        payload = event.payload
        self.entry = Entry(
            identity=event.identity,
            body=event.body,
            offset=event.time_ms % MINUTE_MS,
            type=event.type,
            source=shorten(event.source),
            id=shorten(event.id),
            provider=shorten(payload.provider or ""),
            model=shorten(payload.model or ""),
            latency_ms=payload.latency_ms,
            status=payload.status,
            fallback=payload.fallback_used,
        )

    # What events do --------------------------------------------------------------------------------------------

    def request(self, payload: RequestCompleted) -> None:
        self.numbers(payload)
        if payload.status != "ok":
            return
        self.action(self.rules.ruleset.events.get(REQUEST, "request"), payload)
        derive = self.rules.derive
        if payload.provider:
            self.provider(shorten(payload.provider), pay="provider_switch" in derive)
        if payload.model:
            self.model(shorten(payload.model), pay="model_diversity" in derive)
        if payload.combo_id and "combo_use" in derive:
            self.pay("combo_use")
        if payload.compression_used and "compression_use" in derive:
            self.pay("compression_use")
        if payload.skill_used:
            if isinstance(payload.skill_used, str):
                self.name("skills", payload.skill_used)
            if "skill_use" in derive:
                self.pay("skill_use")
        figures = self.player.open(self.day)
        figures.tokens_saved += payload.tokens_saved
        figures.cost_saved += payload.cost_saved_micro_usd

    def action(self, action: str, payload: Payload) -> None:
        self.player.open(self.day).count += 1
        for unique, member in UNIQUE_STATS.items():
            value = getattr(payload, "subscription_id" if member == "subscriptionId" else member)
            if value:
                self.name(unique, value)
        if isinstance(payload, TransferSent):
            self.pay(action, other=payload.to)
            self.transferred(payload.to, sent=payload.amount)
        else:
            self.pay(action)

    def award(self, payload: Award) -> None:
        bounds, points = self.rules.ruleset.awards, payload.points
        if abs(points) > bounds.max_points:
            raise RejectedEvent(
                "award_out_of_range",
                f"'data.points' must be from -{bounds.max_points} to {bounds.max_points}",
            )
        granter = (payload.granted_by or self.event.source, day_of(self.event.received_ms))
        granted = self.records.granted.get(granter, 0) + abs(points)
        if granted > bounds.max_points_per_granter_and_day:
            most = bounds.max_points_per_granter_and_day
            raise RejectedEvent(
                "award_over_daily_bound",
                f"'{granter[0]}' may grant {most - granted + abs(points)} more of {most} today, not {abs(points)}",
            )
        self.records.granted[granter] = granted
        self.records.new_granted[granter] = self.records.new_granted.get(granter, 0) + abs(points)
        self.count(AWARD_ACTION)
        self.player.award_xp += points
        self.xp(AWARD_ACTION, points)
        self.entry.note, self.entry.by = shorten(payload.reason), shorten(granter[0])
        self.entry.public = payload.public

    def decision(self, type_: str, payload: BadgeDecision) -> None:
        badge = self.rules.badges.get(payload.badge_id)
        if badge is None:
            raise RejectedEvent("unknown_badge", f"there is no badge '{payload.badge_id}'")
        self.entry.by = shorten(payload.decided_by or "")
        self.entry.note = payload.badge_id
        if type_ == "badge.revoked":
            revoke(self.player, badge.id, self.now_ms)
        elif grant(self.player, badge.id, self.now_ms):
            self.earned(badge.id)

    # What they change ------------------------------------------------------------------------------------------

    def numbers(self, payload: RequestCompleted) -> None:
        amounts = {
            "requests": 1,
            "tokensIn": payload.tokens_in,
            "tokensOut": payload.tokens_out,
            "costMicroUsd": payload.cost_micro_usd,
            "tokensSaved": payload.tokens_saved,
            "costSavedMicroUsd": payload.cost_saved_micro_usd,
            "cacheHits": int(payload.cache_hit),
            "semanticHits": int(payload.semantic_hit),
            "racesWon": int(payload.race_won),
            "factsStored": int(payload.fact_stored),
        }
        for stat, amount in amounts.items():
            if amount:
                self.stat(stat, amount)

    def stat(self, stat: str, amount: int) -> None:
        self.player.stats[stat] = self.player.stats.get(stat, 0) + amount
        self.facts.add(f"stat:{stat}")

    def name(self, unique: str, value: str) -> None:
        if self.player.sees(unique, shorten(value)):
            self.facts.add(f"stat:{unique}")

    def provider(self, provider: str, *, pay: bool) -> None:
        last, last_at = self.player.last_provider, self.player.last_provider_at
        if last and provider != last and pay:
            self.pay("provider_switch")
        if self.event.time_ms >= last_at:
            self.player.last_provider, self.player.last_provider_at = provider, self.event.time_ms

    def model(self, model: str, *, pay: bool) -> None:
        digest = model_digest(model)
        if pay:
            used = self.player.used_recently(digest, self.event.time_ms)
            if used is None:
                used = self.records.used_models[self.event.identity]
            if not used:
                self.pay("model_diversity")
        self.player.remember_model(digest, self.event.time_ms)

    def transferred(self, other: str, sent: int = 0, received: int = 0) -> None:
        pair = self.records.pairs.setdefault(other, Pair())
        before = pair.net
        pair.sent += sent
        pair.received += received
        self.records.changed_pairs.add(other)
        if pair.net != before:
            self.stat("tokensSharedNet", pair.net - before)

    def count(self, action: str) -> None:
        self.player.counters[action] = self.player.counters.get(action, 0) + 1
        self.facts.add(f"action:{action}")

    def pay(self, action: str, other: str = "") -> None:
        """Count an action and pay it, unless a bound says no."""
        rule = self.rules.actions.get(action)
        if rule is None:
            return
        self.count(action)
        for member, stat in rule.adds.items():
            amount = self.event.data.get(member, 0)
            self.stat(
                stat,
                amount if isinstance(amount, int) and not isinstance(amount, bool) and 0 <= amount <= 10**12 else 0,
            )
        refusal = self.refusal(action, other)
        if refusal:
            self.entry.unpaid[action] = refusal
            return
        if rule.daily_max is not None:
            paid = self.player.open(self.day).paid
            paid[action] = paid.get(action, 0) + 1
        if rule.daily_max_per_pair is not None and other:
            pair = _pair_key(action, other)
            paid = self.player.open(self.day).paid
            paid[pair] = paid.get(pair, 0) + 1
        for asset, amount in rule.credits.items():
            self.credit(asset, action, amount)
        self.xp(action, rule.xp)
        if rule.streak_day:
            self.active_day()
        if action == "request":
            self.login()

    def refusal(self, action: str, other: str) -> str:
        """Why an action that counts is not paid, or ''."""
        rule = self.rules.actions[action]
        if rule.once_per is not None:
            value = self.event.data.get(rule.once_per)
            key = f"{action}/{shorten(str(value))}"
            if value is None or key in self.records.once:
                return f"once_per_{rule.once_per}"
            self.records.once.add(key)
            self.records.new_once.add(key)
        paid = self.player.figures_of(self.day).paid
        if rule.daily_max is not None and paid.get(action, 0) >= rule.daily_max:
            return "daily_max"
        if (
            rule.daily_max_per_pair is not None
            and other
            and paid.get(_pair_key(action, other), 0) >= rule.daily_max_per_pair
        ):
            return "daily_max_per_pair"
        return ""

    def xp(self, action: str, amount: int) -> None:
        if amount:
            self.entry.paid[action] = self.entry.paid.get(action, 0) + amount
            self.player.add_xp(self.day, amount, self.now_ms)
            self.facts |= {"stat:xp", "stat:level"}

    def credit(self, asset: str, cause: str, amount: int) -> None:
        causes = self.credits.setdefault(asset, {})
        causes[cause] = causes.get(cause, 0) + amount

    def login(self) -> None:
        figures = self.player.open(self.day)
        if not figures.login:
            figures.login = True
            self.pay("daily_login")

    def active_day(self) -> None:
        streak = self.player.streak
        if not streak.add(self.day):
            return
        self.player.changed.add("streak")
        self.stat("daysActive", 1)
        self.facts.add("streak")
        for milestone in streak.reach(self.day, self.rules.milestones):
            self.entry.milestones.append(milestone)
            self.pay("streak_milestone")

    def earned(self, badge: str) -> None:
        self.entry.badges.append(badge)
        self.facts.add("badge")
        self.pay("badge_earned")

    # What follows ----------------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Badges to a fixpoint, then levels, then what changed about the streak and the sum boards."""
        while self.facts:
            facts, self.facts = self.facts, set()
            self.touch_sums(facts)
            for badge in earn_badges(self.player, facts, self.records, self.rules, self.now_ms):
                self.earned(badge)
        level = self.player.level(self.rules)
        if level > self.player.rewarded_level:
            reward = self.rules.ruleset.levels.reward
            if reward:
                self.credit(reward.asset, "level_up", reward.amount * (level - self.player.rewarded_level))
            self.entry.levels = (self.player.rewarded_level, level)
            self.player.rewarded_level = level
        current = self.player.streak.current(day_of(self.now_ms))
        if current != self.before[1]:
            self.entry.streak = current

    def touch_sums(self, facts: set[str]) -> None:
        for board in self.rules.ruleset.boards:
            if not board.counts_xp and facts & {
                *(f"action:{a}" for a in board.actions),
                *(f"stat:{s}" for s in board.stats),
            }:
                self.player.sums_at[board.scope] = self.now_ms

    def finish(self, *, known: bool) -> Applied:
        self.entry.credits = {asset: sum(causes.values()) for asset, causes in self.credits.items()}
        self.records.minute(self.event.time_ms).appended.append(self.entry)
        if self.event.keyed:
            self.records.keyed[self.event.identity] = Keyed(self.event.time_ms, self.entry, new=True)
        credits_ = [
            Credit(asset, self.entry.credits[asset], self.event.identity, causes)
            for asset, causes in self.credits.items()
        ]
        return Applied(self.entry, self.day, credits_, known)


def _pair_key(action: str, other: str) -> str:
    """Beside the actions' names, and short: the item that every event rewrites holds them."""
    return "~" + model_digest(f"{action}:{other}")[:8]
