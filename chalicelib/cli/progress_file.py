"""The state of a replay, stored in a file, so that a stopped replay continues with exactly the same events."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass
class ReplayState:
    """The state of a replay.

    `key`: identifies the recording and how it is replayed. `anchor_ms`: when its time ends. `position`: events sent.
    """

    key: str
    anchor_ms: int
    total: int
    position: int = 0

    @property
    def complete(self) -> bool:
        return self.position >= self.total


def default_file(key: str) -> Path:
    """Return the file of a recording and plan, in the user's state directory."""
    home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(home) / "laurel" / "replay" / f"{key}.json"


def load(file: Path, key: str) -> ReplayState | None:
    """Return the stored state, or None if there is none of this recording and plan."""
    try:
        found = ReplayState(**json.loads(file.read_text()))
    except (OSError, ValueError, TypeError):
        return None
    return found if found.key == key else None


def save(file: Path, state: ReplayState) -> None:
    """Store the state atomically."""
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_name(file.name + ".new")
    new.write_text(json.dumps(asdict(state)))
    new.replace(file)
