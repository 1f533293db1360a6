"""The style of error sentences, held against every error that a test provokes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from chalicelib.domain.core.errors import LaurelError, RejectedEvent

# A client's own text, which a sentence quotes.
QUOTED = re.compile(r"(?<!\w)'(?:[^']|(?<=')')*?'(?!\w)", re.DOTALL)
FAULTS = {
    "begins with neither a capital letter nor a quoted name": re.compile(r"\A(?![A-Z'])"),
    "does not end with a full stop": re.compile(r"(?<![.?])\Z"),
    "asks something else than what was meant": re.compile(r"(?<!; did you mean 'x')\?\Z"),
    "has two spaces": re.compile(r"\s\s"),
    "has other quotes than single ones": re.compile(r"[\"`“”‘’]"),
    "shows a regular expression": re.compile(r"\^|\\|\(\?|\$$|\]\{"),
    "names a type of Python": re.compile(r"\b(?:str|int|bool|dict|float|NoneType|None|True|False)\b|<class"),
    "is a phrase of a library": re.compile(
        r"Expected|Object (?:missing|contains)|Invalid (?:enum|value|RFC)|JSON is malformed|Input data|codec can't"
    ),
}


@lru_cache(4096)
def faults(sentence: str) -> tuple[str, ...]:
    """Return what is wrong with a sentence."""
    plain = QUOTED.sub("'x'", sentence)
    return tuple(fault for fault, pattern in FAULTS.items() if pattern.search(plain))


@contextmanager
def watched() -> Iterator[list[str]]:
    """Return a list to which every error with a fault in its sentence is added."""
    found: list[str] = []
    originals = {kind: kind.__init__ for kind in (LaurelError, RejectedEvent)}

    def watch(kind: Any) -> None:
        made = kind.__init__

        def checked(self: Any, *arguments: Any, **more: Any) -> None:
            made(self, *arguments, **more)
            found.extend(f"{self.sentence!r} {fault}" for fault in faults(self.sentence))

        kind.__init__ = checked

    for kind in originals:
        watch(kind)
    try:
        yield found
    finally:
        for kind, made in originals.items():
            kind.__init__ = made  # type: ignore[method-assign]
