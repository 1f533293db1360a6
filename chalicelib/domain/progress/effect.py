"""The effect of one event on a player: what rules change, and the consequences of the changes."""

from __future__ import annotations

from dataclasses import dataclass, field

from chalicelib.domain.core.periods import MINUTE_MS, day_of, late_for
from chalicelib.domain.events.event import Event
from chalicelib.domain.events.payloads import PLAYER_IMPORTED
from chalicelib.domain.progress.badges import earn_badges
from chalicelib.domain.progress.log import Entry, Keyed, Records
from chalicelib.domain.progress.player import Pair, Player, model_digest, shorten
from chalicelib.domain.rules.ruleset import Rules


@dataclass(frozen=True, slots=True)
class Credit:
    """A credit of one event for the ledger: an amount of an asset, and the amounts by cause.

    `kind`: of its transfer. `reason`: a text for the statement.
    """

    asset: str
    amount: int
    identity: str
    causes: dict[str, int]
    kind: str = "rule"
    reason: str = ""


@dataclass(slots=True)
class Applied:
    """The result of an applied event: the log entry, the ledger's credits, the day whose boards may have changed."""

    entry: Entry
    day: int
    credits: list[Credit] = field(default_factory=list)
    known: bool = True


class Change:
    """The effect of one event while its rules run.

    `unpaid`: badges and levels that the event reaches pay nothing, and are not published.
    """

    unpaid = False

    def __init__(self, player: Player, event: Event, records: Records, rules: Rules, now_ms: int) -> None:
        self.player, self.event, self.records, self.rules, self.now_ms = player, event, records, rules, now_ms
        self.day = day_of(event.time_ms)
        self.late = late_for(self.day, event.received_ms, rules.settings.freeze_grace_minutes * MINUTE_MS)
        # A player created with a key has a version before any event. A newcomer is a player without counters.
        self.facts: set[str] = set() if player.counters else {"joined"}
        self.credits: dict[str, dict[str, int]] = {}
        self.level_before = player.level(rules)
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

    def stat(self, stat: str, amount: int) -> None:
        self.player.stats[stat] = self.player.stats.get(stat, 0) + amount
        self.facts.add(f"stat:{stat}")

    def name(self, unique: str, value: str) -> None:
        if self.player.add_distinct(unique, shorten(value)):
            self.facts.add(f"stat:{unique}")

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
        """Count an action and pay it, unless a limit forbids the payment."""
        rule = self.rules.actions.get(action)
        if rule is None:
            return
        self.count(action)
        for member, stat in rule.adds.items():
            amount = self.event.given.get(member, 0)
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
        """Return the reason why a counted action is not paid, or ''."""
        rule = self.rules.actions[action]
        if rule.once_per is not None:
            value = self.event.given.get(rule.once_per)
            key = f"{action}/{shorten(str(value))}"
            if value is None or key in self.records.once:
                return f"once_per_{rule.once_per}"
            self.records.once.add(key)
            self.records.new_once.add(key)
        paid = self.player.day_stats_of(self.day).paid
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
            self.entry.late = list(self.late)
            self.player.add_xp(self.day, amount, self.now_ms, self.late)
            self.facts |= {"stat:xp", "stat:level"}

    def credit(self, asset: str, cause: str, amount: int) -> None:
        causes = self.credits.setdefault(asset, {})
        causes[cause] = causes.get(cause, 0) + amount

    def login(self) -> None:
        stats = self.player.open(self.day)
        if not stats.login:
            stats.login = True
            self.pay("daily_login")

    def active_day(self) -> None:
        streak, today = self.player.streak, day_of(self.now_ms)
        if streak.is_active(self.day):
            return
        before = streak.current(today)
        streak.add(self.day)
        current = streak.current(today)
        if current != before:
            self.entry.streak = current
        self.player.changed.add("streak")
        self.stat("daysActive", 1)
        self.facts.add("streak")
        for milestone in streak.reach(self.day, self.rules.milestones):
            self.entry.milestones.append(milestone)
            self.pay("streak_milestone")

    def earned(self, badge: str) -> None:
        self.facts.add("badge")
        if self.unpaid:
            return
        self.entry.badges.append(badge)
        self.pay("badge_earned")

    def settle(self) -> None:
        """Judge badges until no fact changes, note which boards of sums changed, then reward levels."""
        while self.facts:
            facts, self.facts = self.facts, set()
            self.touch_sums(facts)
            firsts = not self.unpaid
            for badge in earn_badges(self.player, facts, self.records, self.rules, self.now_ms, firsts=firsts):
                self.earned(badge)
        level = self.player.level(self.rules)
        if self.unpaid:
            # Levels that a change of the ruleset lets the player reach stay unpaid: the next event pays them.
            self.player.rewarded_level += max(0, level - max(self.level_before, self.player.rewarded_level))
        if level > self.player.rewarded_level and not self.unpaid:
            reward = self.rules.ruleset.levels.reward
            if reward:
                self.credit(reward.asset, "level_up", reward.amount * (level - self.player.rewarded_level))
            self.entry.levels = (self.player.rewarded_level, level)
            self.player.rewarded_level = level
        elif level != self.level_before:
            self.entry.level_moved = True

    def touch_sums(self, facts: set[str]) -> None:
        for board in self.rules.ruleset.boards:
            if not board.counts_xp and facts & {
                *(f"action:{a}" for a in board.actions),
                *(f"stat:{s}" for s in board.stats),
            }:
                self.player.sums_at[board.scope] = self.now_ms

    def finish(self, *, known: bool) -> Applied:
        self.player.begun |= known
        self.entry.credits = {asset: sum(causes.values()) for asset, causes in self.credits.items()}
        self.records.minute(self.event.time_ms).appended.append(self.entry)
        imported = self.event.type == PLAYER_IMPORTED
        if imported:
            self.records.imports[self.event.id] = Keyed(self.event.time_ms, self.entry)
            self.records.new_imports.add(self.event.id)
        elif self.event.keyed:
            self.records.keyed[self.event.identity] = Keyed(self.event.time_ms, self.entry)
            self.records.new_keyed.add(self.event.identity)
        about = {"kind": "import", "reason": self.event.id} if imported else {}
        credits_ = [
            Credit(asset, self.entry.credits[asset], self.event.identity, causes, **about)
            for asset, causes in self.credits.items()
        ]
        return Applied(self.entry, self.day, credits_, known)


def _pair_key(action: str, other: str) -> str:
    """Return a short key for the daily stats that no action's name can equal: every event rewrites the item."""
    return "~" + model_digest(f"{action}:{other}")[:8]
