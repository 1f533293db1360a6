"""Imports of players among the traffic: duplicated, reordered, with live events of the same players, and changed."""

from __future__ import annotations

import json
import random
from typing import Any

from chalicelib.domain.core.periods import DAY_MS, day_of
from tests.pipeline.traffic import Sent

# One of so many seeds imports players.
IMPORTING, PLACE = 5, 3
SPAN_S = 140.0
NAMES = ("old-system", "crm")
PLAYERS = ("player-0", "player-1", "imported-0", "imported-1")


def imports(seed: int, now_ms: int) -> list[Sent]:
    """Return the imports of a seed: each player's under one or two names, some of them twice, one with other figures.

    They have random numbers of their own, so that the other traffic of a seed stays unchanged.
    """
    rng = random.Random(f"imports {seed}")
    events = [_event(rng, player, name, now_ms) for player in PLAYERS for name in NAMES[: rng.randint(1, 2)]]
    events += [each for each in events if rng.random() < 0.6]
    changed = rng.choice(events)
    events.append(changed | {"data": changed["data"] | {"xp": 151}})
    rng.shuffle(events)
    sent = []
    while events:
        batch = [events.pop() for _ in range(min(len(events), rng.randint(1, 3)))]
        sent.append(Sent("own", json.dumps(batch), rng.uniform(0, SPAN_S)))
    return sorted(sent, key=lambda each: each.after_s)


def are_imported(seed: int) -> bool:
    """Return whether a seed imports players."""
    return seed % IMPORTING == PLACE


def _event(rng: random.Random, player: str, name: str, now_ms: int) -> dict[str, Any]:
    current, last = rng.randint(0, 4), day_of(now_ms) - rng.choice((0, 1, 2, 3, 9))
    data = {
        "xp": rng.choice((1, 30, 150)),
        "actions": {"combo_create": rng.randint(1, 3), "request": rng.randint(1, 3)},
        "badges": {rng.choice(("two-providers", "sharer", "hundred")): rng.choice((0, now_ms - 400 * DAY_MS))},
        "streak": {"current": current, "longest": current + rng.choice((0, 2)), "lastDay": last},
        "balances": {"tokens": rng.randint(1, 9), "coins": rng.randint(1, 9)},
        "displayName": rng.choice(("Ada", "Eve")),
        "private": True,
    }
    for left_out in rng.sample(sorted(data), 3):
        del data[left_out]
    return {
        "specversion": "1.0",
        "id": name,
        "source": "laurel/import",
        "type": "player.imported",
        "subject": player,
        "data": data,
    }
