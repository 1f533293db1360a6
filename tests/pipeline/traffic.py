"""Seeded traffic: all event types and forms, at every age, with repeats, changed repeats and nonsense among it."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chalicelib.domain.core.periods import DAY_MS, moment_name

PROVIDERS = ("openai", "anthropic", "mistral")
MODELS = ("gpt", "claude", "large", "mini")
HOUR_MS = 3_600_000
BAD = (
    {"nonsense": 1},
    {"specversion": "1.0", "id": "b1", "source": "s", "type": "request.completed", "subject": "not a player!"},
    {"type": "request.completed", "apiKeyId": "ada", "id": "b2", "metadata": {"tokensIn": True}},
    {"type": "badge.granted", "apiKeyId": "ada", "id": "b3", "metadata": {"badgeId": "hundred"}},
    {"specversion": "1.0", "id": "b4", "source": "s", "type": "award", "subject": "ada", "data": {"points": 1}},
)


@dataclass
class Sent:
    """A message body for a queue, after how many seconds it is sent, and how long the queue then keeps it back."""

    queue: str
    body: str
    after_s: float
    delay_s: int = 0


def traffic(
    rng: random.Random, now_ms: int, events: int, players: Sequence[str] = (), badge: str = "hundred"
) -> list[Sent]:
    """Return messages to send, in order of their moment. `badge`: the one that admins grant and revoke."""
    players = players or [f"player-{number}" for number in range(rng.randint(1, 5))]
    made = [_event(rng, now_ms, players, number, badge) for number in range(events)]
    sent: list[Sent] = []
    moment = 0.0
    queue: list[tuple[str, Any]] = list(made)
    queue += [rng.choice(made) for _ in range(events // 4)]
    queue += [_changed(*rng.choice(made)) for _ in range(events // 12)]
    queue += [("events", bad) for bad in rng.sample(BAD, 2)]
    rng.shuffle(queue)
    while queue:
        name, raw = queue.pop()
        batch = [raw]
        while queue and queue[-1][0] == name and rng.random() < 0.5:
            batch.append(queue.pop()[1])
        moment += rng.expovariate(1 / 3)
        body = batch[0] if len(batch) == 1 and rng.random() < 0.7 else batch
        sent.append(Sent(name, json.dumps(body), moment))
        if rng.random() < 0.08:
            sent.append(Sent(name, json.dumps(body), moment + rng.uniform(0, 600)))
    return sorted(sent, key=lambda each: each.after_s)


def _event(
    rng: random.Random, now_ms: int, players: Sequence[str], number: int, badge: str
) -> tuple[str, dict[str, Any]]:
    """Return (queue, raw event)."""
    player = rng.choice(players)
    kind = rng.choices(
        (
            "request",
            "short",
            "timeless",
            "combo",
            "lesson",
            "transfer",
            "received",
            "award",
            "keyed award",
            "badge",
            "profile",
            "hidden",
            "unknown",
            "old",
        ),
        (30, 8, 6, 6, 5, 6, 3, 5, 4, 3, 3, 3, 2, 3),
    )[0]
    time = moment_name(
        now_ms - rng.choice((0, HOUR_MS, 13 * HOUR_MS, DAY_MS, 2 * DAY_MS, 5 * DAY_MS)) - rng.randrange(HOUR_MS)
    )
    if kind in ("short", "timeless"):
        short = {"type": "request.completed", "apiKeyId": player, "metadata": _request(rng), "id": f"e{number}"}
        return "events", short if kind == "timeless" else short | {"time": time}
    if "award" in kind:
        properties = {"username": player, "points": rng.randint(-20, 50), "reason": f"r{number}", "grantedBy": "boss"}
        if kind == "keyed award":
            properties["key"] = f"k{number % 5}"
        return "events", {"event": "award", "properties": properties, "timestamp": time}
    types = {
        "request": ("request.completed", _request(rng)),
        "combo": ("combo.created", {"comboId": f"c{number}"}),
        "lesson": ("lesson.completed", {"lessonId": f"lesson-{rng.randrange(3)}"}),
        "transfer": ("transfer.sent", {"to": f"player-{rng.randrange(4)}", "amount": rng.randint(1, 40)}),
        "received": ("transfer.received", {"from": f"player-{rng.randrange(4)}", "amount": rng.randint(1, 40)}),
        "badge": (rng.choice(("badge.granted", "badge.revoked")), {"badgeId": badge}),
        "profile": ("profile.changed", _profile(rng)),
        "hidden": (rng.choice(("player.hidden", "player.unhidden")), {"decidedBy": "boss"}),
        "unknown": ("coffee.brewed", {"cups": 2}),
        "old": ("request.completed", _request(rng)),
    }
    type_, data = types[kind]
    if kind in ("profile", "hidden"):
        # A rename updates all boards again, right or wrong: the others' must be right at once.
        player = players[0]
    queue = "own" if kind in ("transfer", "received", "badge", "profile", "hidden") else "events"
    if kind == "old":
        # On the public queue it is too old; the backfill queue takes it.
        queue = rng.choice(("backfill", "events"))
        time = moment_name(now_ms - rng.randint(8, 40) * DAY_MS)
    return queue, {
        "specversion": "1.0",
        "id": f"e{number}",
        "source": "gateway/eu-1",
        "type": type_,
        "subject": player,
        "time": time,
        "data": data,
    }


def _request(rng: random.Random) -> dict[str, Any]:
    data: dict[str, Any] = {
        "provider": rng.choice(PROVIDERS),
        "model": rng.choice(MODELS),
        "tokensIn": rng.randrange(500),
    }
    if rng.random() < 0.2:
        data["status"] = rng.choice(("error", "rejected", "ok"))
    if rng.random() < 0.3:
        data |= {"tokensSaved": rng.randrange(100), "skillUsed": f"skill-{rng.randrange(3)}", "comboId": "c"}
    return data


def _profile(rng: random.Random) -> dict[str, Any]:
    """Return a player's changed settings: one of two, or both."""
    data: dict[str, Any] = {"displayName": rng.choice(("Ada", "Bob", "")), "private": rng.random() < 0.5}
    if rng.random() < 0.6:
        del data[rng.choice(sorted(data))]
    return data


def _changed(queue: str, raw: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the same identity with another body."""
    if "metadata" in raw:
        return queue, raw | {"metadata": raw["metadata"] | {"tokensOut": 7}}
    if "data" in raw:
        return queue, raw | {"data": raw["data"] | {"tokensOut": 7}}
    return queue, raw
