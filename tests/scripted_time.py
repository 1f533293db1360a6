"""A context whose time is up when a test says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

from chalicelib.services.context import Context


@dataclass(slots=True)
class ScriptedTime(Context):
    """A context that answers the next question for time with `answers()`."""

    answers: Callable[[], bool] = lambda: True

    def has_time(self, reserve_ms: int = 0) -> bool:
        return self.answers()


def with_time(context: Context, answers: Callable[[], bool]) -> Context:
    """Return the same context, asked for time by `answers`."""
    return ScriptedTime(**{each.name: getattr(context, each.name) for each in fields(context)}, answers=answers)
