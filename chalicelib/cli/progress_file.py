"""Where a replay stands, kept in a file, so that what was stopped goes on with the very same events."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass
class Standing:
    """`key`: the recording and how it is replayed. `anchor_ms`: when its time ends. `position`: events sent."""

    key: str
    anchor_ms: int
    total: int
    position: int = 0

    @property
    def complete(self) -> bool:
        return self.position >= self.total


def default_file(key: str) -> Path:
    """One file per recording and plan, in the user's state directory."""
    home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(home) / "laurel" / "replay" / f"{key}.json"


def load(file: Path, key: str) -> Standing | None:
    """What was kept, or None if there is nothing of this recording and plan."""
    try:
        found = Standing(**json.loads(file.read_text()))
    except (OSError, ValueError, TypeError):
        return None
    return found if found.key == key else None


def save(file: Path, standing: Standing) -> None:
    """Keep it, whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_name(file.name + ".new")
    new.write_text(json.dumps(asdict(standing)))
    new.replace(file)
