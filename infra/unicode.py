"""Write chalicelib/domain/identity/unicode_tables.py from files of the Unicode Character Database.

`python -m infra.unicode DIRECTORY`, with the files named in FILES in it (unicode.org/Public/<version>/: ucd, security
and emoji). Python's own `unicodedata` has none of these properties, and is older than its emoji.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

from infra.settings import ROOT

FILES = ("DerivedCoreProperties", "DerivedJoiningType", "Scripts", "UnicodeData", "confusables", "emoji-data")
TABLES = ROOT / "chalicelib" / "domain" / "identity" / "unicode_tables.py"
# Characters of the masks `User***0001`, `Player #1` and `Hidden player`; digits look like `o` and `l`.
MASKED = frozenset("userplayhidn*#o")
LETTER = re.compile(
    r"(?:LATIN|REGIONAL INDICATOR SYMBOL|NEGATIVE \w+ LATIN) .*LETTER (?:SMALL CAPITAL )?([A-Z])(?: WITH .*)?"
)
SIGN = re.compile(r"\b(?:(ASTERISKS?|STARS?)|NUMBER SIGN|SHARP SIGN|VIEWDATA SQUARE)\b")

HEAD = '''"""Properties of characters that Python's `unicodedata` lacks. Written by infra/unicode.py: do not edit.

From the Unicode Character Database {version}, copyright 1991-2025 Unicode, Inc., https://www.unicode.org/license.txt
"""

# fmt: off
from __future__ import annotations

Ranges = tuple[tuple[int, int], ...]
'''


def main(directory: Path) -> None:
    """Read the database's files and write the tables."""
    texts = {name: (directory / f"{name}.txt").read_text() for name in FILES}
    found = re.search(r"DerivedCoreProperties-([\d.]+)\.txt", texts["DerivedCoreProperties"])
    parts = [HEAD.format(version=found.group(1) if found else "of unknown version")]
    ignorable = _having(texts["DerivedCoreProperties"], {"Default_Ignorable_Code_Point"})
    pictographs = _having(texts["emoji-data"], {"Extended_Pictographic"})
    parts.append(_table("IGNORABLE", "Default_Ignorable_Code_Point: shows nothing by itself.", ignorable))
    parts.append(_table("PICTOGRAPHIC", "Extended_Pictographic: emoji, including reserved ones.", pictographs))
    parts.append(
        _table("JOINING", "Letters and marks of scripts that need joiners: cursive, or with a virama.", _joining(texts))
    )
    parts.append(_lookalikes(texts))
    TABLES.write_text("\n".join(parts))


def _rows(text: str) -> Iterator[tuple[range, str]]:
    """Yield (code points, value) of each row `0600..0605 ; value # comment`."""
    for line in text.splitlines():
        fields = [field.strip() for field in line.partition("#")[0].split(";")]
        if len(fields) >= 2:
            first, _, last = fields[0].partition("..")
            yield range(int(first, 16), int(last or first, 16) + 1), fields[1]


def _having(text: str, values: Iterable[str]) -> set[int]:
    return {point for points, value in _rows(text) if value in values for point in points}


def _joining(texts: dict[str, str]) -> set[int]:
    cursive = _having(texts["DerivedJoiningType"], {"D", "L", "R"})
    rows = [line.split(";") for line in texts["UnicodeData"].splitlines()]
    viramas = {int(row[0], 16) for row in rows if row[3] == "9"}
    letters = {int(row[0], 16) for row in rows if row[2][0] in "LM"}
    script = {point: value for points, value in _rows(texts["Scripts"]) for point in points}
    joining = {script[point] for point in cursive | viramas} - {"Common", "Inherited"}
    return {point for point, value in script.items() if value in joining and point in letters}


def _lookalikes(texts: dict[str, str]) -> str:
    """Return the table of characters that look like one of a mask, and that no normalisation folds to it."""
    found = dict(_confusables(texts["confusables"]))
    for line in texts["UnicodeData"].splitlines():
        point, name = int(line.split(";")[0], 16), line.split(";")[1]
        target = _named(name)
        if target in MASKED:
            found.setdefault(point, target)
    by_target: dict[str, list[int]] = {}
    for point, target in sorted(found.items()):
        if _folded(chr(point)) != target:
            by_target.setdefault(target, []).append(point)
    lines = "\n".join(
        f"    {target!r}: {_wrapped(''.join(chr(point) for point in points))},"
        for target, points in sorted(by_target.items())
    )
    return (
        "# A character of a mask -> the characters that look like it, by confusables.txt or by their names.\n"
        f"LOOKALIKES = {{\n{lines}\n}}\n"
    )


def _named(name: str) -> str:
    """Return the mask's character that a character with this name looks like, or ''."""
    if letter := LETTER.fullmatch(name):
        return letter.group(1).lower()
    sign = SIGN.search(name)
    return "" if sign is None else "*" if sign.group(1) else "#"


def _confusables(text: str) -> Iterator[tuple[int, str]]:
    for points, prototype in _rows(text):
        target = "".join(chr(int(point, 16)) for point in prototype.split())
        if target.casefold() in MASKED:
            yield points.start, target.casefold()


def _folded(text: str) -> str:
    return "".join(each for each in unicodedata.normalize("NFKD", text) if not unicodedata.combining(each)).casefold()


def _table(name: str, comment: str, points: set[int]) -> str:
    ordered = sorted(points)
    starts = [ordered[0], *(after for before, after in pairwise(ordered) if after != before + 1)]
    ends = [*(before for before, after in pairwise(ordered) if after != before + 1), ordered[-1]]
    pairs = [f"({start:#x}, {end:#x})," for start, end in zip(starts, ends, strict=True)]
    return f"# {comment}\n{name}: Ranges = (\n{_lines(pairs)}\n)\n"


def _lines(words: Iterable[str]) -> str:
    lines = [""]
    for word in words:
        if len(lines[-1]) + len(word) > 114:
            lines.append("")
        lines[-1] += f" {word}"
    return "\n".join(f"   {line}" for line in lines)


def _wrapped(text: str) -> str:
    """Return a Python literal of ASCII, over several lines if it is long."""
    parts = [ascii(text[place : place + 10]) for place in range(0, len(text), 10)]
    return parts[0] if len(parts) == 1 else "(\n" + "\n".join(f"        {part}" for part in parts) + "\n    )"


if __name__ == "__main__":
    if len(sys.argv) != 2:
        print("usage: python -m infra.unicode DIRECTORY", file=sys.stderr)
        raise SystemExit(2)
    main(Path(sys.argv[1]))
