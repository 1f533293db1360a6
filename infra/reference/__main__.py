"""`make docs`: write the pages of docs/reference."""

from __future__ import annotations

import sys

from infra.reference.pages import FOLDER, pages

if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text)
    sys.exit(0)
