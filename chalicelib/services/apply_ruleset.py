"""Carry a changed ruleset to the players who exist: first what it would do, then do it.

Doing it is one `ruleset.applied` event for each player on Laurel's own queue. Its identity is (player, ruleset), so
that sending it again, after a stop or by mistake, changes nothing.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from chalicelib.domain.events import Delivery, Event, parse
from chalicelib.domain.progress import RULESET_APPLIED, apply
from chalicelib.domain.ruleset import Rules
from chalicelib.services.apply_events import read_players
from chalicelib.services.context import Context
from chalicelib.store.players import all_players

QUEUE, SOURCE = "own", "laurel/ruleset"
# Players judged, or events queued, at once: a message of a hundred is one worker's unit of retry.
PLAYERS_AT_ONCE = 100


@dataclass(slots=True)
class Effect:
    """What a ruleset does: `players` seen, `changed` of them; badges and credits given, levels reached or lost."""

    players: int = 0
    changed: int = 0
    xp: int = 0
    levels_reached: int = 0
    levels_lost: int = 0
    badges: Counter[str] = field(default_factory=Counter)
    credits: Counter[str] = field(default_factory=Counter)


def preview_ruleset(context: Context) -> Effect:
    """What `apply_ruleset` would do now, judged by the same rules; nothing is written."""
    effect = Effect()
    for players in _batches(context):
        events = {player: [_event(context, player)] for player in players}
        for name, (player, records) in read_players(context, events).items():
            if player.version:
                _preview(context, effect, player, records, events[name][0])
    return effect


def _preview(context: Context, effect: Effect, player: Any, records: Any, event: Event) -> None:
    before = player.rewarded_level
    applied = apply(player, event, records, context.rules, context.now_ms())
    entry = applied.entry
    effect.players += 1
    effect.changed += bool(entry.badges or entry.credits or entry.levels)
    effect.xp += entry.xp
    effect.badges.update(entry.badges)
    effect.credits.update(entry.credits)
    effect.levels_reached += player.rewarded_level - before
    effect.levels_lost += max(0, before - player.level(context.rules))


def apply_ruleset(context: Context) -> Iterator[int]:
    """Queue the event of every player; yields how many so far. Raises NotSent; what was queued may come again."""
    sent = 0
    for players in _batches(context):
        raws = [_raw(context.rules, player) for player in players]
        context.queues.send(QUEUE, [msgspec.json.encode(raws).decode()])
        sent += len(players)
        yield sent


def ruleset_id(rules: Rules) -> str:
    """Names a ruleset by version and content."""
    content = msgspec.json.encode(rules.ruleset, order="deterministic")
    return f"{rules.version}-{hashlib.blake2b(content, digest_size=6).hexdigest()}"


def _batches(context: Context) -> Iterator[Sequence[str]]:
    for players in all_players(context.table):
        for start in range(0, len(players), PLAYERS_AT_ONCE):
            yield players[start : start + PLAYERS_AT_ONCE]


def _raw(rules: Rules, player: str) -> dict[str, Any]:
    """Without a time, so that it is known by player and ruleset alone."""
    return {"specversion": "1.0", "id": ruleset_id(rules), "source": SOURCE, "type": RULESET_APPLIED, "subject": player}


def _event(context: Context, player: str) -> Event:
    now_ms = context.now_ms()
    delivery = Delivery("preview", now_ms, own=True)
    return parse(_raw(context.rules, player), delivery, context.rules.settings, now_ms)
