"""What a run of `rotate` tells of the periods it looked at."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from chalicelib.domain.core.periods import MINUTE_MS


class Step(StrEnum):
    """How far a period has come."""

    HELD = "held"
    FREEZING = "ordered to freeze"
    MOVING = "not at rest yet"
    TELLING = "archived, still telling ranks"
    ROTATED = "rotated"
    GONE = "gone before it could be rotated"


@dataclass(slots=True)
class Rotation:
    """What a run did: the step of each board it looked at, the shards whose writers it reminded of an intent that was
    begun, and by scope why its turn ended early. `held`: why boards wait to be frozen; `held_ms`: for how long one of
    them has. `overdue`: boards that a day after their end are frozen and not yet at rest; their index may have to be
    repaired."""

    steps: dict[str, Step] = field(default_factory=dict)
    held: dict[str, str] = field(default_factory=dict)
    held_ms: int = 0
    reminded: list[str] = field(default_factory=list)
    overdue: list[str] = field(default_factory=list)
    failed: dict[str, Exception] = field(default_factory=dict)

    @property
    def told(self) -> dict[str, str]:
        """The step of each board, with what holds it."""
        return {
            name: f"{step}: {self.held[name]}" if name in self.held else str(step) for name, step in self.steps.items()
        }

    @property
    def held_minutes(self) -> int:
        return self.held_ms // MINUTE_MS

    @property
    def rotated(self) -> int:
        return sum(step is Step.ROTATED for step in self.steps.values())

    @property
    def waiting(self) -> bool:
        """Whether the next run has more to do."""
        return any(step not in (Step.ROTATED, Step.GONE) for step in self.steps.values())
