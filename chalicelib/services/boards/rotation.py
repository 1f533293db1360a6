"""The result of a run of `rotate`: the steps of the periods."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from chalicelib.domain.core.periods import MINUTE_MS


class Step(StrEnum):
    """The progress of a period."""

    HELD = "held"
    FREEZING = "freeze requested"
    MOVING = "updates in flight"
    TELLING = "archived, ranks not yet published"
    ROTATED = "rotated"
    GONE = "deleted before rotation"


@dataclass(slots=True)
class Rotation:
    """The result of a run.

    `steps`: board -> its step. `held`: board -> why it waits for its freeze; `held_ms`: the longest of these waits.
    `reminded`: shards whose writers were woken for a pending intent or repair. `overdue`: boards that are frozen but
    not at rest a day after their end; their index may need a repair. `failed`: scope -> the error that ended its turn.
    `complete`: the time sufficed for all periods.
    """

    steps: dict[str, Step] = field(default_factory=dict)
    held: dict[str, str] = field(default_factory=dict)
    held_ms: int = 0
    reminded: list[str] = field(default_factory=list)
    overdue: list[str] = field(default_factory=list)
    failed: dict[str, Exception] = field(default_factory=dict)
    complete: bool = True

    @property
    def texts(self) -> dict[str, str]:
        """Return the text of each board's step, with the reason if it is held."""
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
        """Return whether the next run has more to do."""
        return any(step not in (Step.ROTATED, Step.GONE) for step in self.steps.values())
