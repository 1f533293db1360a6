"""The archive of a board: its best subjects at one moment, and the ranks to publish."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Protocol

import msgspec


class Place(msgspec.Struct, array_like=True, frozen=True):
    """A rank in an archive. Only the public id names the subject, so the rank of an erased subject has no name."""

    rank: int
    public: str
    score: int
    reached_at: int
    level: int
    title: str


class Judged(msgspec.Struct, array_like=True, frozen=True):
    """A subject's rank to publish."""

    subject: str
    rank: int


class _Entry(Protocol):
    @property
    def subject(self) -> str: ...
    @property
    def score(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Waiting:
    """Ranks to publish. `tie`: (score, rank) of one more tie group, too large to be listed here."""

    judged: list[Judged]
    tie: tuple[int, int] | None = None


def ranks(entries: Sequence[_Entry]) -> list[int]:
    """Return the competition ranks (1, 2, 2, 4) of entries, best first."""
    found: list[int] = []
    for _, group in groupby(entries, key=lambda entry: entry.score):
        members = len(list(group))
        found += [len(found) + 1] * members
    return found


def waiting(entries: Sequence[_Entry], last_rank: int, *, more_ties: bool) -> Waiting:
    """Return the ranks to publish among the best entries: those up to `last_rank`.

    `more_ties`: the last tie group continues after `entries`.
    """
    judged = [
        Judged(entry.subject, rank) for entry, rank in zip(entries, ranks(entries), strict=True) if rank <= last_rank
    ]
    if not (more_ties and judged and len(judged) == len(entries)):
        return Waiting(judged)
    open_rank = judged[-1].rank
    return Waiting([each for each in judged if each.rank < open_rank], (entries[-1].score, open_rank))
