"""Parser of README and the pages of docs: code blocks, headings, links."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOP = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md")
FENCE = re.compile(
    r"^(?:<!-- (?P<note>[^\n]*?) -->\n)?(?P<fence>`{3,})(?P<kind>\w*)\n(?P<text>.*?)^(?P=fence)$", re.M | re.S
)
LINK = re.compile(r"\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Block:
    """A fenced block. `note`: the HTML comment on the line above it, an instruction to the runner."""

    kind: str
    text: str
    line: int
    note: str


@dataclass(frozen=True)
class Page:
    """A Markdown file of the repository."""

    path: Path
    text: str

    @property
    def name(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    @property
    def blocks(self) -> list[Block]:
        return [
            Block(found["kind"], found["text"], self.text.count("\n", 0, found.start("fence")) + 2, found["note"] or "")
            for found in FENCE.finditer(self.text)
        ]

    @property
    def prose(self) -> str:
        """Return the text without its fenced blocks."""
        return FENCE.sub("", self.text)

    @property
    def links(self) -> list[str]:
        return LINK.findall(self.prose)

    @property
    def anchors(self) -> set[str]:
        """Return the anchors that GitHub makes from the headings."""
        return {anchor(heading) for heading in re.findall(r"^#+ (.*)$", self.prose, re.M)}

    @property
    def shell_lines(self) -> list[str]:
        return [line for block in self.blocks if block.kind == "sh" for line in block.text.splitlines()]


def anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@cache
def pages() -> tuple[Page, ...]:
    files = [ROOT / name for name in TOP if (ROOT / name).exists()] + sorted((ROOT / "docs").rglob("*.md"))
    return tuple(Page(file, file.read_text()) for file in files)


def page(name: str) -> Page:
    return next(each for each in pages() if each.name == name)
