"""Apply one event to one player by the rules of actions, streaks, badges and levels. Pure."""

from __future__ import annotations

from chalicelib.domain.core.errors import RejectedEvent
from chalicelib.domain.core.periods import day_of
from chalicelib.domain.events.event import Event
from chalicelib.domain.events.payloads import (
    PLAYER_IMPORTED,
    Award,
    BadgeDecision,
    Payload,
    PlayerImported,
    RankJudged,
    RequestCompleted,
    TransferReceived,
    TransferSent,
    points_sentence,
)
from chalicelib.domain.progress.badges import grant, revoke
from chalicelib.domain.progress.effect import Applied, Change
from chalicelib.domain.progress.import_player import earlier_import, import_player
from chalicelib.domain.progress.log import Entry, Records
from chalicelib.domain.progress.model_use import DIVERSITY_WINDOW_MS
from chalicelib.domain.progress.player import Player, model_digest, shorten
from chalicelib.domain.progress.profile import SHOWN_TYPES, change_identity
from chalicelib.domain.rules.rank_rewards import MIN_PLAYERS, rewards_of
from chalicelib.domain.rules.ruleset import Rules
from chalicelib.domain.rules.schema import UNIQUE_STATS

REQUEST = "request.completed"
AWARD_ACTION = "award"
# The cause of a rank's payment in the ledger.
RANK_REWARD = "rank_reward"
# Judges a player by the ruleset in use; sent to every player after a change of the ruleset.
RULESET_APPLIED = "ruleset.applied"


def duplicate_of(event: Event, records: Records) -> tuple[int, Entry] | None:
    """Return (time, log entry) of the same event if it was applied before, else None.

    Raises RejectedEvent for an import that gave the player other figures before.
    """
    if event.type == PLAYER_IMPORTED:
        return earlier_import(event, records)
    if event.keyed:
        keyed = records.keyed.get(event.identity)
        return (keyed.time_ms, keyed.entry) if keyed else None
    entry = records.minute(event.time_ms).find(event.identity)
    return (event.time_ms, entry) if entry else None


def log_window(player: Player, event: Event, records: Records, rules: Rules) -> tuple[int, int] | None:
    """Return the interval of the log (ms, inclusive) that must be read before the event can be applied, or None.

    The log is needed for the use of a model that the state has forgotten, or one before all uses in the state.
    """
    if event.type != REQUEST or not event.payload.model or "model_diversity" not in rules.derive:
        return None
    if event.identity in records.used_models or event.payload.status != "ok":
        return None
    if player.used_near(model_digest(shorten(event.payload.model)), event.time_ms) is not None:
        return None
    return event.time_ms - DIVERSITY_WINDOW_MS, event.time_ms + DIVERSITY_WINDOW_MS


def apply(player: Player, event: Event, records: Records, rules: Rules, now_ms: int) -> Applied:
    """Apply an event that is no duplicate. `now_ms`: the commit's time.

    Changes `player` and `records`. Raises RejectedEvent (and changes nothing) for an award over a bound, a decision
    about an unknown badge or player, or an import that names what the ruleset does not have.
    """
    change = Change(player, event, records, rules, now_ms)
    if isinstance(event.payload, RequestCompleted):
        _request(change, event.payload)
    elif isinstance(event.payload, Award):
        _award(change, event.payload)
    elif isinstance(event.payload, BadgeDecision):
        _decision(change, event.type, event.payload)
    elif isinstance(event.payload, RankJudged):
        _judged(change, event.payload)
    elif isinstance(event.payload, PlayerImported):
        import_player(change, event.payload)
    elif event.type in SHOWN_TYPES:
        change_identity(change, event.type, event.payload)
    elif isinstance(event.payload, TransferReceived):
        change.transferred(event.payload.sender, received=event.payload.amount)
    elif event.type == RULESET_APPLIED:
        change.facts |= set(rules.badges_by_fact)
    elif event.type in rules.ruleset.events:
        _action(change, rules.ruleset.events[event.type], event.payload)
    else:
        return change.finish(known=False)
    change.settle()
    return change.finish(known=True)


def _request(change: Change, payload: RequestCompleted) -> None:
    _numbers(change, payload)
    if payload.status != "ok":
        return
    _action(change, change.rules.ruleset.events.get(REQUEST, "request"), payload)
    derive = change.rules.derive
    if payload.provider:
        _provider(change, shorten(payload.provider), pay="provider_switch" in derive)
    if payload.model:
        _model(change, shorten(payload.model), pay="model_diversity" in derive)
    if payload.combo_id and "combo_use" in derive:
        change.pay("combo_use")
    if payload.compression_used and "compression_use" in derive:
        change.pay("compression_use")
    if payload.skill_used:
        if isinstance(payload.skill_used, str):
            change.name("skills", payload.skill_used)
        if "skill_use" in derive:
            change.pay("skill_use")
    stats = change.player.open(change.day)
    stats.tokens_saved += payload.tokens_saved
    stats.cost_saved += payload.cost_saved_micro_usd


def _action(change: Change, action: str, payload: Payload) -> None:
    change.player.open(change.day).count += 1
    for unique, member in UNIQUE_STATS.items():
        value = getattr(payload, "subscription_id" if member == "subscriptionId" else member)
        if value:
            change.name(unique, value)
    if isinstance(payload, TransferSent):
        change.pay(action, other=payload.to)
        change.transferred(payload.to, sent=payload.amount)
    else:
        change.pay(action)


def _award(change: Change, payload: Award) -> None:
    bounds, points = change.rules.ruleset.awards, payload.points
    if not 0 < abs(points) <= bounds.max_points:
        raise RejectedEvent("award_out_of_range", points_sentence(bounds.max_points, "data.points"))
    granter = (payload.granted_by or change.event.source, day_of(change.event.received_ms))
    if not change.event.reserved:
        _count_for(change, granter, abs(points))
    change.count(AWARD_ACTION)
    change.player.award_xp += points
    change.xp(AWARD_ACTION, points)
    change.entry.note, change.entry.by = shorten(payload.reason), shorten(granter[0])
    change.entry.public = payload.public


def _count_for(change: Change, granter: tuple[str, int], points: int) -> None:
    """Count an award on its granter's day. Raises RejectedEvent for an award over the daily bound."""
    most = change.rules.ruleset.awards.max_points_per_granter_and_day
    granted = change.records.granted.get(granter, 0) + points
    if granted > most:
        raise RejectedEvent(
            "award_over_daily_bound",
            f"'{granter[0]}' may grant {most - granted + points} more of {most} today, not {points}.",
        )
    change.records.granted[granter] = granted
    change.records.new_granted[granter] = change.records.new_granted.get(granter, 0) + points


def _decision(change: Change, type_: str, payload: BadgeDecision) -> None:
    badge = change.rules.badges.get(payload.badge_id)
    if badge is None:
        raise RejectedEvent("unknown_badge", f"There is no badge '{payload.badge_id}'.")
    change.entry.by = shorten(payload.decided_by or "")
    change.entry.note = payload.badge_id
    if type_ == "badge.revoked":
        revoke(change.player, badge.id, change.now_ms)
    elif grant(change.player, badge.id, change.now_ms):
        change.earned(badge.id)


def _judged(change: Change, payload: RankJudged) -> None:
    player, scope = change.player, payload.scope
    if not player.exists:
        raise RejectedEvent("unknown_player", f"There is no player '{player.id}'.")
    change.entry.note = f"{scope} {payload.period}: rank {payload.rank} of {payload.total}"
    if payload.total >= MIN_PLAYERS and payload.rank < player.ranks.get(scope, payload.rank + 1):
        player.ranks[scope] = payload.rank
        player.changed.add("badges")
        change.facts.add("rank")
    board = change.rules.boards.get(scope)
    for asset, amount in (rewards_of(board, payload.rank) if board else {}).items():
        change.credit(asset, RANK_REWARD, amount)


def _numbers(change: Change, payload: RequestCompleted) -> None:
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
            change.stat(stat, amount)


def _provider(change: Change, provider: str, *, pay: bool) -> None:
    last, last_at = change.player.last_provider, change.player.last_provider_at
    if last and provider != last and pay:
        change.pay("provider_switch")
    if change.event.time_ms >= last_at:
        change.player.last_provider, change.player.last_provider_at = provider, change.event.time_ms


def _model(change: Change, model: str, *, pay: bool) -> None:
    digest = model_digest(model)
    if pay:
        used = change.player.used_near(digest, change.event.time_ms)
        if used is None:
            used = change.records.used_models[change.event.identity]
        if not used:
            change.pay("model_diversity")
    change.player.remember_model(digest, change.event.time_ms)
