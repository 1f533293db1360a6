"""Subjects: the holders of places on boards. A subject is a text `<kind>:<id>`, such as `player:ada`.

The kind ends at the first colon: ids may contain colons.
"""

from __future__ import annotations

import re
from typing import Annotated

from msgspec import Meta

PLAYER = "player"
# Python's `$` would allow a trailing line feed.
_PATTERN = r"^[a-z]{1,16}:[A-Za-z0-9._:@-]{1,128}\Z"
Subject = Annotated[str, Meta(pattern=_PATTERN)]
_FORM = re.compile(_PATTERN)


def is_subject(text: str) -> bool:
    """Return whether a text is a subject of any kind."""
    return _FORM.search(text) is not None


def subject_of(kind: str, id_: str) -> str:
    """Return the subject of a kind and an id."""
    return f"{kind}:{id_}"


def player_subject(player: str) -> str:
    """Return the subject of a player."""
    return subject_of(PLAYER, player)


def parse_subject(subject: str) -> tuple[str, str]:
    """Return (kind, id) of a subject of any kind."""
    kind, _, id_ = subject.partition(":")
    return kind, id_


def player_of(subject: str) -> str | None:
    """Return the id of the player that the subject is; None for a subject of another kind."""
    kind, id_ = parse_subject(subject)
    return id_ if kind == PLAYER else None
