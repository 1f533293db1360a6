"""Figures of the bench, and their targets."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

DIGITS = 3


class NotTaken(RuntimeError):
    """Failure to take a figure; the message says why."""


@dataclass(frozen=True)
class Skipped:
    """Figures that are not taken on this machine, since their names begin with `name`, and the reason; no error."""

    name: str
    reason: str


@dataclass(frozen=True)
class Figure:
    """One measured value; `params` are its circumstances."""

    name: str
    value: float
    unit: str
    params: dict[str, Any] = field(default_factory=dict)

    def line(self) -> str:
        shown = {"name": self.name, "value": round(self.value, DIGITS), "unit": self.unit, "params": self.params}
        return json.dumps(shown)


@dataclass(frozen=True)
class Target:
    """The maximum of the figures of `name` whose params hold all of `where`.

    `counted`: the figure is the same on every machine and run, so that a miss is an error.
    """

    name: str
    at_most: float
    where: dict[str, Any] = field(default_factory=dict)
    counted: bool = False

    def concerns(self, figure: Figure) -> bool:
        return figure.name == self.name and all(figure.params.get(key) == value for key, value in self.where.items())


def _redeem(units: float, items: int, **kind: bool) -> Iterator[Target]:
    """Yield the targets of a kind of reward. A stock, or a limit for each player, costs one item more."""
    yield Target("redeem.write_units", units, kind, counted=True)
    yield Target("redeem.items", items, kind, counted=True)


def _board(name: str, units: float, trips: int, where: dict[str, Any] | None = None) -> Iterator[Target]:
    yield Target(f"board.{name}.read_units", units, where or {}, counted=True)
    yield Target(f"board.{name}.round_trips", trips, where or {}, counted=True)


TARGETS = (
    Target("progress.write_units_per_event", 4, {"events_per_player": 1}, counted=True),
    Target("progress.write_units_per_event", 1, {"events_per_player": 10}, counted=True),
    Target("progress.cpu_ms_per_1000_events", 1500, {"events_per_player": 1}),
    Target("progress.cpu_ms_per_1000_events", 400, {"events_per_player": 10}),
    Target("progress.cpu_of_long_streaks", 1.2),
    Target("reject.seconds", 20, counted=True),
    Target("order.xp_spread_percent", 3, counted=True),
    Target("order.model_payments", 1, counted=True),
    Target("pipeline.queue_to_board_ms", 1000, {"percentile": "p50"}),
    Target("board.update_to_rank_ms", 1000, {"percentile": "p50"}),
    Target("api.slow_gateways_ms", 2000),
    Target("run.fresh_s", 60),
    Target("run.second_s", 10),
    Target("run.disk_mb", 350, counted=True),
    Target("import.api_ms", 300),
    Target("import.worker_ms", 250),
    Target("import.write_units_per_player", 26, counted=True),
    Target("badges.eval_ms", 5),
    *_board("rank", 2, 2),
    *_board("rank_whole", 5, 4),
    *_board("page_top", 2.5, 2),
    *_board("page_mid", 5, 5, {"ties": False}),
    *_board("page_mid", 6, 5, {"ties": True}),
    *_board("total", 0.5, 1),
    Target("board.update.write_units", 6.5, {"batch": 1}, counted=True),
    Target("board.update.write_units", 4.7, {"batch": 10}, counted=True),
    Target("board.update.write_units", 3.7, {"batch": 500}, counted=True),
    Target("board.update.write_units", 3.4, {"batch": 2000}, counted=True),
    Target("repair.longest_step_s", 60, {"players": 10_000_000}),
    Target("repair.peak_mb", 512, {"players": 10_000_000}),
    Target("transfer.write_units", 12, counted=True),
    Target("transfer.items", 6, counted=True),
    Target("transfer.round_trips", 2, {"until": "committed"}, counted=True),
    # Then the outbox is sent, and its row removed.
    Target("transfer.round_trips", 2, {"until": "answered"}, counted=True),
    Target("transfer.outbox_units", 3, counted=True),
    Target("transfer.replay_read_units", 1, {"recipient": "known"}, counted=True),
    *_redeem(13, 6, stock=False, limit=False, pending=False),
    *_redeem(15, 7, stock=True, limit=False, pending=False),
    *_redeem(15, 7, stock=False, limit=True, pending=False),
    *_redeem(11, 5, stock=False, limit=False, pending=True),
    *_redeem(15, 7, stock=True, limit=True, pending=True),
    Target("redeem.round_trips", 2, {"until": "committed"}, counted=True),
    Target("redeem.round_trips", 2, {"until": "answered"}, counted=True),
    Target("redeem.outbox_units", 3, counted=True),
    Target("redeem.replay_read_units", 2.5, counted=True),
)


@dataclass(frozen=True)
class Miss:
    """A figure above its target."""

    figure: Figure
    target: Target

    def sentence(self) -> str:
        figure = self.figure
        shown = f"{figure.name} {json.dumps(figure.params)} is {figure.value:.4g} {figure.unit}"
        return f"missed: {shown}, to be at most {self.target.at_most:g}"


def misses(figures: Iterable[Figure]) -> list[Miss]:
    return [
        Miss(figure, target)
        for figure in figures
        for target in TARGETS
        if target.concerns(figure) and figure.value > target.at_most
    ]
