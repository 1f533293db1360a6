"""Which events of a message can never be valid, and why: what is recorded of a rejected message."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from chalicelib.domain.core.errors import RejectedEvent

# An array of 500 may be wrong in 500 ways; ten sentences show what is wrong with it.
MAX_SENTENCES = 10
# Longer than the code's own sentences; some quote a member's name, which the sender chose.
MAX_SENTENCE = 200
# What an exception says of a message that fails may be longer.
MAX_NOTE = 1000


@dataclass(frozen=True, slots=True)
class Rejection:
    """One event that was rejected: its place in its message's array, None if the body was rejected as a whole."""

    index: int | None
    reason: str
    sentence: str

    @classmethod
    def of(cls, index: int | None, error: RejectedEvent) -> Rejection:
        return cls(index, error.reason, printable(error.sentence, MAX_SENTENCE))


class Rejections(msgspec.Struct, omit_defaults=True):
    """All rejections of one message. `indexes` by reason, empty for a body rejected as a whole; `sentences`: (index,
    sentence) of the first ten."""

    indexes: dict[str, list[int]]
    sentences: list[tuple[int | None, str]] = []

    def counts(self) -> dict[str, int]:
        """How many events were rejected, by reason; a body rejected as a whole counts as one."""
        return {reason: len(places) or 1 for reason, places in self.indexes.items()}

    def chosen(self, events: Sequence[Any]) -> list[tuple[int, Any]]:
        """The rejected ones of a message's events, with their places."""
        places = sorted({place for places in self.indexes.values() for place in places})
        return [(place, events[place]) for place in places if place < len(events)]

    @property
    def whole(self) -> bool:
        """Whether the body was rejected as a whole."""
        return not any(self.indexes.values())


def collect(rejections: Sequence[Rejection]) -> Rejections:
    """The record of one message's rejections, in order of their places."""
    indexes: dict[str, list[int]] = {}
    for each in rejections:
        places = indexes.setdefault(each.reason, [])
        if each.index is not None:
            places.append(each.index)
    return Rejections(indexes, [(each.index, each.sentence) for each in rejections[:MAX_SENTENCES]])


def printable(sentence: str, most: int = MAX_NOTE) -> str:
    """A sentence as UTF-8 can carry it, of bounded length."""
    return sentence[:most].encode("utf-8", "replace").decode()
