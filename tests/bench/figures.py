"""What the bench prints, and what it holds the figures against."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

DIGITS = 3


class NotTaken(RuntimeError):
    """A figure cannot be taken; the message says why."""


@dataclass(frozen=True)
class Figure:
    """One measured value; `params` say under which circumstances."""

    name: str
    value: float
    unit: str
    params: dict[str, Any] = field(default_factory=dict)

    def line(self) -> str:
        shown = {"name": self.name, "value": round(self.value, DIGITS), "unit": self.unit, "params": self.params}
        return json.dumps(shown)


@dataclass(frozen=True)
class Target:
    """The figures of `name` whose params hold all of `where` are to be at most this."""

    name: str
    at_most: float
    where: dict[str, Any] = field(default_factory=dict)

    def concerns(self, figure: Figure) -> bool:
        return figure.name == self.name and all(figure.params.get(key) == value for key, value in self.where.items())


TARGETS = (
    Target("progress.write_units_per_event", 4, {"events_per_player": 1}),
    Target("progress.write_units_per_event", 1, {"events_per_player": 10}),
    Target("progress.cpu_ms_per_1000_events", 1500, {"events_per_player": 1}),
    Target("progress.cpu_ms_per_1000_events", 400, {"events_per_player": 10}),
    Target("pipeline.queue_to_board_ms", 1000, {"percentile": "p50"}),
    Target("import.api_ms", 300),
    Target("import.worker_ms", 250),
    Target("badges.eval_ms", 5),
)


def misses(figures: Iterable[Figure]) -> list[str]:
    """A sentence for each figure above its target."""
    return [
        f"missed: {figure.name} {json.dumps(figure.params)} is {figure.value:.4g} {figure.unit}, "
        f"to be at most {target.at_most:g}"
        for figure in figures
        for target in TARGETS
        if target.concerns(figure) and figure.value > target.at_most
    ]
