"""A context whose time is up when a test says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

from chalicelib.services.context import Context


@dataclass(slots=True)
class ScriptedTime(Context):
    """`answers()`: what the next question for time is told."""

    answers: Callable[[], bool] = lambda: True

    def has_time(self, reserve_ms: int = 0) -> bool:
        return self.answers()


def with_time(context: Context, answers: Callable[[], bool]) -> Context:
    """The same context, asked for time by `answers`."""
    return ScriptedTime(**{each.name: getattr(context, each.name) for each in fields(context)}, answers=answers)
