"""Read the file of an import: its lines as events, and every fault with the number of its line."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from chalicelib.domain.core.errors import InvalidRequest, RejectedEvent
from chalicelib.domain.events.event import Delivery, parse
from chalicelib.domain.events.payloads import PLAYER_IMPORTED
from chalicelib.domain.progress.import_line import read_line
from chalicelib.services.context import Context

SOURCE = "laurel/import"
NAME = re.compile(r"[A-Za-z0-9._-]{1,48}")
# The players of a file are remembered to find those who are named twice.
MAX_LINES = 1_000_000
# Sentences about bad lines that are kept; the others are counted.
MAX_FAULTS = 20
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Line:
    """A valid line. `body`: the digest of its figures. `raw`: its event."""

    number: int
    player: str
    body: str
    raw: dict[str, Any]


@dataclass(slots=True)
class Checked:
    """A checked file. `faults`: (line, sentence) of the first bad lines. `bad`: the number of all."""

    players: int = 0
    xp: int = 0
    badges: int = 0
    balances: Counter[str] = field(default_factory=Counter)
    sha256: str = ""
    bad: int = 0
    faults: list[tuple[int, str]] = field(default_factory=list)

    def add(self, figures: dict[str, Any]) -> None:
        self.players += 1
        self.xp += figures.get("xp", 0)
        self.badges += len(figures.get("badges", ()))
        self.balances.update(figures.get("balances", {}))

    def refuse(self, number: int, sentence: str) -> None:
        self.bad += 1
        if len(self.faults) < MAX_FAULTS:
            self.faults.append((number, sentence))


def check_name(name: str) -> None:
    """Raise InvalidRequest unless an import can have this name."""
    if not NAME.fullmatch(name):
        raise InvalidRequest("The name of an import must be 1-48 characters of A-Z a-z 0-9 . _ - only.")


def check_lines(context: Context, name: str, lines: Iterable[bytes]) -> Checked:
    """Check all lines of a file, and return what they would add."""
    checked, line_of, digest = Checked(), dict[str, int](), hashlib.sha256()
    for number, text in _numbered(lines, digest):
        try:
            line = _line(context, name, number, text)
        except InvalidRequest as error:
            checked.refuse(number, error.sentence)
            continue
        first = line_of.setdefault(line.player, number)
        if first != number:
            checked.refuse(number, f"The player '{line.player}' is on line {first} too.")
            continue
        checked.add(line.raw["data"])
        if checked.players > MAX_LINES:
            raise InvalidRequest(f"A file may have at most {MAX_LINES} players; divide it.")
    if not checked.players and not checked.bad:
        checked.refuse(1, "The file has no players.")
    checked.sha256 = digest.hexdigest()
    return checked


def lines_of(context: Context, name: str, lines: Iterable[bytes]) -> Iterator[Line]:
    """Yield the lines of a checked file."""
    for number, text in _numbered(lines, hashlib.sha256()):
        yield _line(context, name, number, text)


def _numbered(lines: Iterable[bytes], digest: Any) -> Iterator[tuple[int, bytes]]:
    """Yield each line that is not blank, with its number."""
    for number, text in enumerate(lines, 1):
        digest.update(text)
        content = text.removeprefix(BYTE_ORDER_MARK) if number == 1 else text
        if content.strip():
            yield number, content


def _line(context: Context, name: str, number: int, text: bytes) -> Line:
    now_ms = context.now_ms()
    player, figures = read_line(text, context.rules, now_ms)
    # Without a time, player, source and id identify the event: a repeat is the same import at any time.
    raw = {
        "specversion": "1.0",
        "id": name,
        "source": SOURCE,
        "type": PLAYER_IMPORTED,
        "subject": player,
        "data": figures,
    }
    try:
        event = parse(raw, Delivery("", now_ms, own=True), context.rules.settings, now_ms)
    except RejectedEvent as error:
        raise InvalidRequest(error.sentence) from error
    return Line(number, player, event.body, raw)
