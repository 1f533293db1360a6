"""The log: every applied event, with its payments and their reasons. An entry also serves to detect duplicates."""

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
    """A log entry: one applied event, about 100-200 bytes of JSON.

    `offset`: ms within its minute. `paid`: action -> XP. `unpaid`: action -> reason. `levels`: (level before, after).
    `streak`: the current streak, where it changed. `public`: False for entries that others must not see. `late`: the
    kinds of boards that did not accept its XP. `level_moved`: the level fell, or rose to one that was reached before.
    """

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
        """Return whether the entry changed the player's level, which all boards show."""
        return self.level_moved or self.levels is not None

    @property
    def xp(self) -> int:
        return sum(self.paid.values())


@dataclass(slots=True)
class Minute:
    """The log of one player and minute of event time, in commit order.

    `stored`: entries in the table. `appended`: entries not written yet. `chunk`: the number of the last log chunk (-1:
    none), `last`: its entries. `next_chunk`, `next_last`: the same after the pending write. `sized`: how many of
    `appended` were measured, and their bytes in the table.
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
        """Return the entry with an identity, or None. Entries are only appended, so each is indexed once."""
        stored = len(self.stored)
        while self._indexed < stored + len(self.appended):
            index = self._indexed
            entry = self.stored[index] if index < stored else self.appended[index - stored]
            self._found.setdefault(entry.identity, entry)
            self._indexed += 1
        return self._found.get(identity)

    def has_use(self, model: str, minute: int, since_ms: int, until_ms: int) -> bool:
        """Return whether an entry used the model within the closed interval. `minute`: the number of this minute."""
        return any(
            entry.type == "request.completed"
            and entry.status == "ok"
            and entry.model == model
            and since_ms <= minute * MINUTE_MS + entry.offset <= until_ms
            for entry in (*self.stored, *self.appended)
        )


@dataclass(slots=True)
class Keyed:
    """The deduplication record of an event whose identity does not contain its time: its time and its entry."""

    time_ms: int
    entry: Entry


@dataclass(slots=True)
class Records:
    """The records that the rules of some events read besides the player, and the rules' additions to them.

    `imports`: name of an import -> the record of what it gave the player. `once`: `action/value` of actions paid only
    the first time. `granted`: (granter, day of receipt) -> points. `firsts`: badge -> the player who was first.
    `used_models`: event identity -> whether its model was used within its window.
    """

    minutes: dict[int, Minute] = field(default_factory=dict)
    keyed: dict[str, Keyed] = field(default_factory=dict)
    imports: dict[str, Keyed] = field(default_factory=dict)
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
    new_imports: set[str] = field(default_factory=set)

    def minute(self, time_ms: int) -> Minute:
        return self.minutes.setdefault(minute_of(time_ms), Minute())

    def model_used(self, model: str, since_ms: int, until_ms: int) -> bool:
        """Return whether a request in these minutes used the model within the closed interval."""
        return any(minute.has_use(model, number, since_ms, until_ms) for number, minute in self.minutes.items())
