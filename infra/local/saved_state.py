"""The saved state of an emulator, in its folder data: one JSON file for each service."""

from __future__ import annotations

import shutil
from pathlib import Path

from infra.settings import LOCAL_HOST

# The folders that `saving` writes: a complete save, and the last one while it is replaced.
SAVED, NEXT, PRIOR = "saved", "next", "prior"


def adopt(data: Path) -> None:
    """Put the last complete save where the emulator reads it. After a crash, the next call completes this."""
    shutil.rmtree(data / NEXT, ignore_errors=True)
    saved = next((folder for name in (SAVED, PRIOR) if (folder := data / name).is_dir()), None)
    if saved is None:
        return
    kept = {path.name for path in saved.glob("*.json")}
    for file in data.glob("*.json"):
        if file.name not in kept:
            file.unlink()
    for name in kept:
        shutil.copy(saved / name, data / name)
    # Renamed first: a save that is deleted in part must not be taken for a complete one.
    saved.rename(data / NEXT)
    for name in (NEXT, PRIOR):
        shutil.rmtree(data / name, ignore_errors=True)


def move(data: Path, before: int, port: int) -> None:
    """Replace the port in the saved state: queue URLs contain it, also those in functions' settings."""
    for file in data.glob("*.json"):
        text = file.read_text()
        moved = text.replace(f"{LOCAL_HOST}:{before}/", f"{LOCAL_HOST}:{port}/")
        if moved != text:
            new = file.with_suffix(".new")
            new.write_text(moved)
            new.replace(file)
