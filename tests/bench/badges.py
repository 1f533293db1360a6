"""badges.eval_ms: one event against 200 badges whose criteria all concern its changes."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from chalicelib.domain.events.event import Delivery, Event, parse
from chalicelib.domain.identity.identity import Identity
from chalicelib.domain.progress.apply_event import apply
from chalicelib.domain.progress.log import Records
from chalicelib.domain.progress.player import Player
from chalicelib.domain.rules import ruleset
from chalicelib.domain.rules.ruleset import Rules
from chalicelib.domain.rules.schema import MAX_BADGES, Badge
from chalicelib.settings import RULESETS
from tests.bench.figures import Figure, NotTaken
from tests.bench.traffic import request
from tests.simulated.world import START_MS

RUNS = 60
# Every kind of criterion that a request can meet; one request reaches `at_least`.
KINDS: tuple[dict[str, Any], ...] = (
    {"type": "action_count", "action": "request", "at_least": 1},
    {"type": "stat", "stat": "tokensIn", "at_least": 1},
    {"type": "amount_total", "amount": "requests", "at_least": 1},
    {"type": "unique_count", "unique": "models", "at_least": 1},
    {"type": "stat", "stat": "xp", "at_least": 1},
    {"type": "streak", "days": 1},
)
OUT_OF_REACH = 60


def with_badges(count: int, reachable: bool, source: Path = RULESETS / "default.toml") -> Rules:
    """Return the default rules with `count` badges: criteria of every kind, and the hidden badge for all others."""
    rules = ruleset.load(source)
    badges = [_badge(number, reachable) for number in range(count - 1)]
    badges.append(_badge(count - 1, reachable) | {"criterion": {"type": "all", "badges": ["*"]}, "hidden": True})
    changed = msgspec.structs.replace(rules.ruleset, badges=msgspec.convert(badges, list[Badge]))
    return Rules(changed, rules.levels)


def _badge(number: int, reachable: bool) -> dict[str, Any]:
    criterion = dict(KINDS[number % len(KINDS)])
    if not reachable:
        criterion |= {"days" if criterion["type"] == "streak" else "at_least": OUT_OF_REACH}
        if criterion.get("stat") in ("tokensIn", "xp"):
            criterion["at_least"] = 10**9
    if number % 5 == 4:
        criterion = {"type": "any", "criteria": [criterion, {"type": "all", "criteria": [criterion]}]}
    return {
        "id": f"badge-{number}",
        "name": f"Badge {number}",
        "description": "For the bench.",
        "icon": "*",
        "category": "usage",
        "rarity": "common",
        "criterion": criterion,
    }


def evaluation(runs: int = RUNS) -> Iterator[Figure]:
    """Measure the CPU of one event, all its other rules included, when it earns no badge and when it earns all."""
    for reachable, earned in ((False, 0), (True, MAX_BADGES)):
        rules = with_badges(MAX_BADGES, reachable)
        taken = [_once_ms(rules, number, earned) for number in range(runs)][runs // 10 :]
        yield Figure(
            "badges.eval_ms", statistics.median(taken), "ms", {"badges": MAX_BADGES, "earned": earned, "runs": runs}
        )


def _once_ms(rules: Rules, number: int, earned: int) -> float:
    player = Player("bench", Identity("account", "public", START_MS))
    event = _event(rules, number)
    began = time.thread_time()
    applied = apply(player, event, Records(), rules, START_MS)
    spent = (time.thread_time() - began) * 1000
    if len(applied.entry.badges) != earned:
        raise NotTaken(f"{len(applied.entry.badges)} badges were earned, not {earned}")
    return spent


def _event(rules: Rules, number: int) -> Event:
    raw = msgspec.json.decode(request("bench", number, START_MS))
    return parse(raw, Delivery("m", START_MS), rules.settings, START_MS)
