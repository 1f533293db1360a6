"""Apply a changed ruleset to the existing players: a preview of its effect, and the run itself.

A run queues one `ruleset.applied` event per player on Laurel's own queue, identified by (player, ruleset, run). The
table stores the run: a stopped one continues under its id, and events that are sent twice change nothing. A ruleset can
be run again, for example after another one was in use. The player's state prevents that levels and badges are paid
twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from chalicelib.domain.core.batches import batched
from chalicelib.domain.events.event import Delivery, Event, parse
from chalicelib.domain.progress.apply_event import RULESET_APPLIED, apply
from chalicelib.domain.rules.ruleset import Rules
from chalicelib.services.context import Context
from chalicelib.services.progress.apply_events import read_players
from chalicelib.store.progress.players import all_players, players_after
from chalicelib.store.rules.ruleset_runs import RulesetRun, begin_run, finish_run, note_run, read_run

QUEUE, SOURCE = "own", "laurel/ruleset"
# Players or events at once: a message of a hundred events is a worker's unit of retry.
PLAYERS_AT_ONCE = 100


@dataclass(slots=True)
class Effect:
    """The effect of a ruleset: number of players, `changed` ones, badges and credits, levels reached or lost."""

    players: int = 0
    changed: int = 0
    xp: int = 0
    levels_reached: int = 0
    levels_lost: int = 0
    badges: Counter[str] = field(default_factory=Counter)
    credits: Counter[str] = field(default_factory=Counter)


def preview_ruleset(context: Context) -> Effect:
    """Return what `apply_ruleset` would do now, by the same rules. Writes nothing."""
    effect = Effect()
    for players in (part for page in all_players(context.table) for part in batched(page, PLAYERS_AT_ONCE)):
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


def current_run(context: Context) -> RulesetRun | None:
    """Return the latest run, stopped or done, if it is of the ruleset in use; else None."""
    latest = read_run(context.table)
    return latest if latest and latest.ruleset == context.rules.id else None


def apply_ruleset(context: Context) -> Iterator[int]:
    """Queue the event of every player; yield the number so far. Continues a stopped run, else starts a new one.

    Raises NotSent (some queued events may be sent again), LostRace if another run has started meanwhile.
    """
    run = _started(context)
    for players, place in players_after(context.table, run.place):
        for batch in batched(players, PLAYERS_AT_ONCE):
            raws = [_raw(context.rules, player, run.run) for player in batch]
            context.queues.send(QUEUE, [msgspec.json.encode(raws).decode()])
            yield run.sent + len(batch)
            run = replace(run, sent=run.sent + len(batch))
        run = replace(run, place=place)
        if place is not None:
            note_run(context.table, run)
    finish_run(context.table, run, context.now_ms())


def _started(context: Context) -> RulesetRun:
    latest = read_run(context.table)
    if latest and latest.ruleset == context.rules.id and latest.done_ms is None:
        # Some events after the last noted page may have been sent. They are sent again.
        return latest
    run = RulesetRun(context.rules.id, context.new_id(), context.now_ms())
    begin_run(context.table, latest, run)
    return run


def _raw(rules: Rules, player: str, run: str) -> dict[str, Any]:
    """Return the event without a time, so that player, ruleset and run identify it."""
    name = f"{rules.id}/{run}"
    return {"specversion": "1.0", "id": name, "source": SOURCE, "type": RULESET_APPLIED, "subject": player}


def _event(context: Context, player: str) -> Event:
    now_ms = context.now_ms()
    delivery = Delivery("preview", now_ms, own=True)
    return parse(_raw(context.rules, player, "preview"), delivery, context.rules.settings, now_ms)
