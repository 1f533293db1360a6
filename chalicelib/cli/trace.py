"""Convert recorded traffic to events.

A recording is a trace of requests (TIMESTAMP,ContextTokens,GeneratedTokens) or events as JSON lines. A trace has no
players and no models: they are generated from row and seed, so that the same file, options and anchor always give the
same events.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
from bisect import bisect
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Any

from chalicelib.domain.core.moments import instant_of
from chalicelib.domain.core.periods import DAY_MS, moment_name
from chalicelib.services.events.resend_events import identified

SAMPLE = Path(__file__).parent / "data" / "azure-llm-conv-2023-sample.csv"
COLUMNS = ["TIMESTAMP", "ContextTokens", "GeneratedTokens"]
SOURCE = "replay/trace"
# An offset at the end of a timestamp. A trace without offsets is in UTC.
_OFFSET = re.compile(r":\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:?\d\d)$")
# Provider -> its models, each with the price of 1,000 tokens in and out, in micro-dollars.
PROVIDERS: dict[str, list[tuple[str, int, int]]] = {
    "northwind": [("nw-large", 3000, 15000), ("nw-medium", 800, 4000), ("nw-small", 250, 1250)],
    "halcyon": [("halcyon-4", 2500, 10000), ("halcyon-4-mini", 150, 600), ("halcyon-reason", 1100, 4400)],
    "quarry": [("granite-70b", 600, 800), ("granite-8b", 50, 80)],
    "tessera": [("tessera-pro", 1250, 5000), ("tessera-flash", 75, 300)],
    "onprem": [("local-13b", 0, 0), ("local-34b", 0, 0)],
}
SKILLS = [
    "web-search",
    "sql",
    "summarise",
    "translate",
    "plot",
    "review",
    "extract",
    "plan",
    "image",
    "calendar",
    "test",
]
# Percentages of the requests that have a feature.
ERROR, REJECTED, CACHED, COMPRESSED, SKILLED, COMBINED, FALLBACK, RACED, LEARNED = 2.5, 0.5, 12, 15, 10, 12, 4, 3, 5


class BadTrace(ValueError):
    """The file is neither a trace nor JSON lines. The message names the line."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The conversion of a trace to events.

    `days`: the days before the anchor over which it is spread; None keeps its own pace, and with `as_recorded` its own
    dates. `zipf`: the exponent of the players' shares of requests. `live`: each request was received when it was made,
    as in a deployment that has run since; so it counts on the boards of its day.
    """

    players: int = 200
    zipf: float = 1.1
    seed: int = 1
    days: float | None = None
    as_recorded: bool = False
    live: bool = False


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording that was read once. `first_ms`, `last_ms`: of a trace's timestamps."""

    path: Path
    is_trace: bool
    rows: int
    digest: str
    first_ms: int = 0
    last_ms: int = 0


def inspect_file(path: Path) -> Recording:
    """Read the file once, check every line and return its kind and length. Raises BadTrace, OSError."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    name = digest.hexdigest()[:16]
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        is_trace = [cell.strip() for cell in file.readline().split(",")] == COLUMNS
    if not is_trace:
        if not (rows := sum(1 for _ in _json_lines(path))):
            raise BadTrace(f"{path}: the file holds no event")
        return Recording(path, False, rows, name)
    moments = [moment for moment, _, _ in _trace_rows(path)]
    if not moments:
        raise BadTrace(f"{path}: the trace holds no request")
    return Recording(path, True, len(moments), name, min(moments), max(moments))


def events_of(recording: Recording, plan: Plan, anchor_ms: int) -> Iterator[dict[str, Any]]:
    """Yield the recording's events in order. `anchor_ms`: the time of a trace's last request."""
    if not recording.is_trace:
        for line, raw in enumerate(_json_lines(recording.path), 1):
            yield identified(raw, f"replay-{recording.digest}-{line}")
        return
    crowd = Crowd(plan.players, plan.zipf, plan.seed)
    for row, (moment, tokens_in, tokens_out) in enumerate(_trace_rows(recording.path)):
        time = moment_name(_moved(recording, plan, moment, anchor_ms))
        event = {
            "specversion": "1.0",
            "id": f"{recording.digest}-{row}",
            "source": SOURCE,
            "type": "request.completed",
            "subject": crowd.player(row),
            "time": time,
            "data": crowd.request(row, tokens_in, tokens_out),
        }
        yield event | {"receivedAt": time} if plan.live else event


class Crowd:
    """Generate players and requests from seed and row."""

    def __init__(self, players: int, zipf: float, seed: int) -> None:
        self.seed = seed
        self._shares = list(accumulate(1 / rank**zipf for rank in range(1, players + 1)))
        numbers = list(range(1, players + 1))
        self._random("names").shuffle(numbers)
        width = max(3, len(str(players)))
        self._names = [f"player-{number:0{width}d}" for number in numbers]
        self._habits: dict[str, Habits] = {}

    def player(self, row: int) -> str:
        """Return the player of a row, by Zipf's law: the player of rank k has a share proportional to k^-zipf."""
        point = self._random(f"player:{row}").random() * self._shares[-1]
        return self._names[min(bisect(self._shares, point), len(self._names) - 1)]

    def request(self, row: int, tokens_in: int, tokens_out: int) -> dict[str, Any]:
        """Return the data of a request.completed event."""
        player = self.player(row)
        if player not in self._habits:
            self._habits[player] = Habits(player, self._random(f"habits:{player}"))
        return _request(self._habits[player], self._random(f"request:{row}"), tokens_in, tokens_out)

    def _random(self, what: str) -> Random:
        return Random(f"{self.seed}:{what}")  # noqa: S311


class Habits:
    """A player's favourite providers, models and tools."""

    def __init__(self, player: str, chance: Random) -> None:
        self.providers = chance.sample(list(PROVIDERS), len(PROVIDERS))
        self.favourite = {name: chance.randrange(len(models)) for name, models in PROVIDERS.items()}
        self.callers = [f"app-{chance.randrange(40):02d}" for _ in range(chance.randint(1, 3))]
        self.combos = [f"{player}-combo-{number}" for number in range(1, chance.randint(1, 4) + 1)]
        self.skills = chance.sample(SKILLS, chance.randint(2, len(SKILLS)))

    def model(self, chance: Random) -> tuple[str, tuple[str, int, int]]:
        """Return the provider and model of one request: mostly the favourites."""
        (provider,) = chance.choices(self.providers, [80, 10, 5, 3, 2])
        models = PROVIDERS[provider]
        place = self.favourite[provider] if chance.random() < 0.75 else chance.randrange(len(models))
        return provider, models[place]


def _request(habits: Habits, chance: Random, tokens_in: int, tokens_out: int) -> dict[str, Any]:
    provider, (model, price_in, price_out) = habits.model(chance)
    cost = (tokens_in * price_in + tokens_out * price_out) // 1000
    data: dict[str, Any] = {
        "provider": provider,
        "model": model,
        "caller": chance.choice(habits.callers),
        "tokensIn": tokens_in,
        "tokensOut": tokens_out,
        "costMicroUsd": cost,
        "latencyMs": round(120 + tokens_in * 0.05 + tokens_out * 14 * chance.uniform(0.8, 1.6)),
    }
    fate = chance.uniform(0, 100)
    if fate < ERROR + REJECTED:
        return data | {"status": "error" if fate < ERROR else "rejected", "tokensOut": 0, "costMicroUsd": 0}
    if _drawn(chance, CACHED):
        semantic = chance.random() < 0.3
        hit = {"cacheHit": True, "semanticHit": semantic, "tokensSaved": tokens_in + tokens_out}
        return data | hit | {"costSavedMicroUsd": cost, "costMicroUsd": 0, "latencyMs": chance.randint(8, 40)}
    if _drawn(chance, COMPRESSED):
        saved = tokens_in * chance.randint(15, 45) // 100
        data |= {"compressionUsed": True, "tokensSaved": saved, "costSavedMicroUsd": saved * price_in // 1000}
    if _drawn(chance, SKILLED):
        data["skillUsed"] = chance.choice(habits.skills)
    if _drawn(chance, COMBINED):
        data["comboId"] = chance.choice(habits.combos)
    for name, share in (("fallbackUsed", FALLBACK), ("raceWon", RACED), ("factStored", LEARNED)):
        if _drawn(chance, share):
            data[name] = True
    return data


def _drawn(chance: Random, per_cent: float) -> bool:
    return chance.random() * 100 < per_cent


def _moved(recording: Recording, plan: Plan, moment: int, anchor_ms: int) -> int:
    if plan.as_recorded:
        return moment
    if plan.days is None:
        return anchor_ms - (recording.last_ms - moment)
    span = round(plan.days * DAY_MS)
    length = recording.last_ms - recording.first_ms
    return anchor_ms - (span * (recording.last_ms - moment) // length if length else 0)


def _trace_rows(path: Path) -> Iterator[tuple[int, int, int]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(file)
        next(rows)
        for row in rows:
            if not row:
                continue
            try:
                moment, tokens_in, tokens_out = row
                when = moment.strip()
                yield instant_of(when if _OFFSET.search(when) else when + "Z").ms, int(tokens_in), int(tokens_out)
            except ValueError as error:
                raise BadTrace(f"{path}: line {rows.line_num}: not a row of {','.join(COLUMNS)}: {error}") from error


def _json_lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                raw = json.loads(line.decode("utf-8-sig" if number == 1 else "utf-8"))
            except UnicodeDecodeError as error:
                raise BadTrace(f"{path}: line {number} is not UTF-8") from error
            except json.JSONDecodeError as error:
                header = "neither a trace's header nor JSON" if number == 1 else "not JSON"
                raise BadTrace(f"{path}: line {number} is {header}: {error.msg} at column {error.colno}") from error
            except (ValueError, RecursionError) as error:
                raise BadTrace(f"{path}: line {number} is not JSON that can be read") from error
            if not isinstance(raw, dict):
                raise BadTrace(f"{path}: line {number} is not one event (a JSON object)")
            yield raw
