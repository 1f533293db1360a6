"""The ruleset: the rewards of each event. One TOML file, validated completely before use."""

from __future__ import annotations

import hashlib
import tomllib
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from chalicelib.domain.core.errors import InvalidRuleset
from chalicelib.domain.rules.levels import Levels
from chalicelib.domain.rules.schema import Action, Asset, Badge, EventType, Name, Ruleset
from chalicelib.domain.rules.validation import Check


class Rules:
    """A valid ruleset, with the lookups of each event computed once."""

    def __init__(self, ruleset: Ruleset, levels: Levels) -> None:
        self.ruleset = ruleset
        self.levels = levels
        self.version = ruleset.version
        self.actions = ruleset.actions
        self.settings = ruleset.settings
        self.derive = frozenset(ruleset.settings.derive)
        self.milestones = sorted(ruleset.streaks.milestones)
        self.badges = {badge.id: badge for badge in ruleset.badges}
        self.boards = {board.scope: board for board in ruleset.boards}

    @cached_property
    def id(self) -> str:
        """Return the ruleset's id, made of version and content: `2026.1-16176fd4a270`."""
        content = msgspec.json.encode(self.ruleset, order="deterministic")
        return f"{self.version}-{hashlib.blake2b(content, digest_size=6).hexdigest()}"

    @cached_property
    def badges_by_fact(self) -> dict[str, list[Badge]]:
        """Return fact (`action:request`, `unique:models`, `streak`, ...) -> the badges whose criterion names it."""
        index: dict[str, list[Badge]] = {}
        for badge in self.ruleset.badges:
            for fact in badge.criterion.facts():
                index.setdefault(fact, []).append(badge)
        return index

    @cached_property
    def once_per(self) -> list[tuple[str, str]]:
        """Return (action, member of an event's data) of each action that pays only the first time for each value."""
        return [(name, rule.once_per) for name, rule in self.actions.items() if rule.once_per is not None]


def load(path: Path) -> Rules:
    """Load the rules of a TOML file. Raises InvalidRuleset with file, key and reason."""
    try:
        return parse(path.read_bytes(), path.name)
    except OSError as error:
        raise InvalidRuleset(path.name, "file", error.strerror or str(error)) from error


def parse(content: bytes, file: str) -> Rules:
    """Parse the rules from the file's bytes. Raises InvalidRuleset with file, key and reason."""
    try:
        raw = tomllib.loads(content.decode())
        ruleset = msgspec.convert(raw, Ruleset)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidRuleset(file, "syntax", str(error)) from error
    except msgspec.ValidationError as error:
        raise InvalidRuleset(file, *_located(error, raw)) from error
    return Rules(ruleset, Check(file, ruleset).everything())


def _located(error: msgspec.ValidationError, raw: dict[str, Any]) -> tuple[str, str]:
    """Return (key, reason) of an error. Within a table of names, find the entry: msgspec does not name it."""
    reason, path = _split(error)
    table = path.partition("[...]")[0]
    if table in _NAMED and isinstance(raw.get(table), dict):
        for name, value in raw[table].items():
            try:
                msgspec.convert({name: value}, _NAMED[table])
            except msgspec.ValidationError as narrower:
                reason, path = _split(narrower)
                return f"{table}.{name}" + path.partition("[...]")[2], reason
    return path or "top level", reason


def _split(error: msgspec.ValidationError) -> tuple[str, str]:
    reason, _, path = str(error).partition(" - at `")
    return reason, path.removeprefix("key` in `").lstrip("$.").rstrip("`")


_NAMED: dict[str, Any] = {"actions": dict[Name, Action], "events": dict[EventType, str], "assets": dict[str, Asset]}


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]
