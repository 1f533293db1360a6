"""The record of a rejected message: which of its events can never be valid, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from chalicelib.domain.core.errors import RejectedEvent

# An array may hold 500 invalid events; ten sentences are enough to show what is wrong.
MAX_SENTENCES = 10
# Longer than the sentences of the code itself; some quote a member's name, which the sender chose.
MAX_SENTENCE = 200
# The text of an exception may be longer.
MAX_NOTE = 1000


@dataclass(frozen=True, slots=True)
class Rejection:
    """A rejected event. `index`: its position in the message's array, None if the body was rejected as a whole."""

    index: int | None
    reason: str
    sentence: str

    @classmethod
    def of(cls, index: int | None, error: RejectedEvent) -> Rejection:
        return cls(index, error.reason, printable(error.sentence, MAX_SENTENCE))


class Rejections(msgspec.Struct, omit_defaults=True):
    """All rejections of one message.

    `indexes`: by reason, empty for a body rejected as a whole. `sentences`: (index, sentence) of the first ten.
    """

    indexes: dict[str, list[int]]
    sentences: list[tuple[int | None, str]] = []

    def counts(self) -> dict[str, int]:
        """Return reason -> number of rejected events. A body rejected as a whole counts as one."""
        return {reason: len(places) or 1 for reason, places in self.indexes.items()}

    def chosen(self, events: Sequence[Any]) -> list[tuple[int, Any]]:
        """Return the rejected events of a message as (position, event)."""
        places = sorted({place for places in self.indexes.values() for place in places})
        return [(place, events[place]) for place in places if place < len(events)]

    @property
    def whole(self) -> bool:
        """Return whether the body was rejected as a whole."""
        return not any(self.indexes.values())


def collect(rejections: Sequence[Rejection]) -> Rejections:
    """Return the record of one message's rejections, which must be in order of their positions."""
    indexes: dict[str, list[int]] = {}
    for each in rejections:
        places = indexes.setdefault(each.reason, [])
        if each.index is not None:
            places.append(each.index)
    return Rejections(indexes, [(each.index, each.sentence) for each in rejections[:MAX_SENTENCES]])


def printable(sentence: str, most: int = MAX_NOTE) -> str:
    """Return a sentence that UTF-8 can encode, cut to `most` characters."""
    return sentence[:most].encode("utf-8", "replace").decode()
