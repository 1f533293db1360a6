"""The log: every event applied, with what it paid and why. An entry is also the event's dedupe record."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from chalicelib.domain.core.periods import MINUTE_MS, minute_of
from chalicelib.domain.progress.player import Pair


class Entry(
    msgspec.Struct,
    omit_defaults=True,
    rename={
        "identity": "i", "body": "b", "offset": "t", "type": "y", "source": "s", "id": "d", "paid": "x", "unpaid": "u",
        "credits": "c", "levels": "l", "badges": "g", "milestones": "k", "streak": "r", "provider": "p", "model": "m",
        "latency_ms": "n", "status": "a", "fallback": "f", "note": "w", "by": "o", "public": "v", "late": "e",
        "level_moved": "h",
    },
):  # fmt: skip
    """One applied event, about 100-200 bytes of JSON. `offset`: ms within its minute. `paid`: XP by action;
    `unpaid`: reason by action. `levels`: (level before, after). `streak`: the current streak, where it changed.
    `public`: False for an award that others are not shown. `late`: the kinds of boards that took its XP no more.
    `level_moved`: the level fell, or rose to one that was reached before."""

    identity: str
    body: str
    offset: int
    type: str
    source: str
    id: str
    paid: dict[str, int] = {}
    unpaid: dict[str, str] = {}
    credits: dict[str, int] = {}
    levels: tuple[int, int] | None = None
    badges: list[str] = []
    milestones: list[int] = []
    streak: int | None = None
    provider: str = ""
    model: str = ""
    latency_ms: int | None = None
    status: str = "ok"
    fallback: bool = False
    note: str = ""
    by: str = ""
    public: bool = True
    late: list[str] = []
    level_moved: bool = False

    @property
    def shows_another_level(self) -> bool:
        """Whether the player's level, on all boards, is another one since."""
        return self.level_moved or self.levels is not None

    @property
    def xp(self) -> int:
        return sum(self.paid.values())


@dataclass(slots=True)
class Minute:
    """The entries of one player and minute of event time, in commit order; `appended` are not in the table yet.

    `chunk` is the number of the last pack (-1: none), `last` its entries; `next_*` what a pending write makes of them.
    `sized`: how many of `appended` were measured, and their bytes in the table.
    """

    stored: list[Entry] = field(default_factory=list)
    appended: list[Entry] = field(default_factory=list)
    chunk: int = -1
    last: list[Entry] = field(default_factory=list)
    next_chunk: int = -1
    next_last: list[Entry] = field(default_factory=list)
    sized: tuple[int, int] = (0, 0)
    _found: dict[str, Entry] = field(default_factory=dict)
    _indexed: int = 0

    def find(self, identity: str) -> Entry | None:
        """The entry of an identity. Entries are only added, at the end: each is indexed once."""
        before = len(self.stored)
        while self._indexed < before + len(self.appended):
            at = self._indexed
            entry = self.stored[at] if at < before else self.appended[at - before]
            self._found.setdefault(entry.identity, entry)
            self._indexed += 1
        return self._found.get(identity)

    def has_use(self, model: str, minute: int, since_ms: int, until_ms: int) -> bool:
        """Whether an entry used the model within the closed interval; `minute` is this one's number."""
        return any(
            entry.type == "request.completed"
            and entry.status == "ok"
            and entry.model == model
            and since_ms <= minute * MINUTE_MS + entry.offset <= until_ms
            for entry in (*self.stored, *self.appended)
        )


@dataclass(slots=True)
class Keyed:
    """The dedupe record of an event whose identity is without time: when it happened, and its entry."""

    time_ms: int
    entry: Entry


@dataclass(slots=True)
class Records:
    """The records beside one player that the rules of some events ask for, and what they added to them.

    `once`: `action/value` of what pays only the first time; `granted`: points by (granter, day of receipt);
    `firsts`: badge -> the player who was first; `used_models`: identity -> was its model used in its window.
    """

    minutes: dict[int, Minute] = field(default_factory=dict)
    keyed: dict[str, Keyed] = field(default_factory=dict)
    once: set[str] = field(default_factory=set)
    pairs: dict[str, Pair] = field(default_factory=dict)
    granted: dict[tuple[str, int], int] = field(default_factory=dict)
    firsts: dict[str, str] = field(default_factory=dict)
    used_models: dict[str, bool] = field(default_factory=dict)
    new_once: set[str] = field(default_factory=set)
    new_firsts: set[str] = field(default_factory=set)
    new_granted: dict[tuple[str, int], int] = field(default_factory=dict)
    changed_pairs: set[str] = field(default_factory=set)
    new_keyed: set[str] = field(default_factory=set)

    def minute(self, time_ms: int) -> Minute:
        return self.minutes.setdefault(minute_of(time_ms), Minute())

    def model_used(self, model: str, since_ms: int, until_ms: int) -> bool:
        """Whether a request among these minutes used the model within the closed interval."""
        return any(minute.has_use(model, number, since_ms, until_ms) for number, minute in self.minutes.items())
