"""Decide whether a text is visible, by Unicode's data.

`str.isprintable` is not enough: it accepts letters that show nothing (U+3164) and rejects emoji newer than this
Python's data.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right

from chalicelib.domain.identity.unicode_tables import IGNORABLE, JOINING, PICTOGRAPHIC, Ranges

# UTS 39, 5.4: at most four nonspacing marks on one base, and none twice in a row.
MAX_MARKS = 4
ZERO_WIDTH_NON_JOINER, ZERO_WIDTH_JOINER, MONGOLIAN_SEPARATOR = "\u200c", "\u200d", "\u180e"
# Characters that are drawn as nothing, although no property says so: the blanks of braille and hieroglyphs, a note
# without head, a filler, the place of an embedded object.
BLANK = frozenset("\u2800\ufffc\U00013441\U00013442\U00016fe4\U0001d159")
_EMOJI_STYLES = "\ufe0e\ufe0f"
# The flag of a region is a black flag, the region's code in tags, and an end tag.
_TAGGED_FLAG = "\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f"
_KEYCAP = "[0-9#*]\ufe0f?\u20e3"
_VIRAMA = 9  # canonical combining class


def is_visible(text: str) -> bool:
    """Return whether a text is visible: it has a character that is not a space, and every other one can be seen.

    A character that shows nothing by itself is accepted only where it shapes its neighbours: joiners within scripts and
    emoji that need them, the style of an emoji, a variant of an ideograph.
    """
    text = re.sub(_KEYCAP, "0", re.sub(_TAGGED_FLAG, "\U0001f3f4", text))
    return bool(text.strip()) and all(_fits(text, index) for index in range(len(text))) and not _has_many_marks(text)


def is_ignorable(char: str) -> bool:
    """Return whether a character shows nothing by itself."""
    return _within(IGNORABLE, char)


def is_mark(char: str) -> bool:
    """Return whether a character is drawn on the one before it."""
    return unicodedata.category(char)[0] == "M"


def _fits(text: str, index: int) -> bool:
    char = text[index]
    if is_ignorable(char):
        return _shapes(text, index)
    kind = unicodedata.category(char)
    if kind[0] == "M":
        return index > 0 and not text[index - 1].isspace() and char not in BLANK
    if kind[0] in "LNPS" or kind == "Zs":
        return char not in BLANK
    return _within(PICTOGRAPHIC, char)


def _shapes(text: str, index: int) -> bool:
    """Return whether a character that shows nothing changes how its neighbours are drawn."""
    char, before, after = text[index], text[:index], text[index + 1 :]
    if char in _EMOJI_STYLES:
        return _is_pictograph(before[-1:])
    if char in (ZERO_WIDTH_JOINER, ZERO_WIDTH_NON_JOINER):
        return _joins(before, after) or (char == ZERO_WIDTH_JOINER and _joins_emoji(before, after))
    if char == MONGOLIAN_SEPARATOR or "\u180b" <= char <= "\u180f":
        return "\u1820" <= before[-1:] <= "\u18aa"
    if "\U000e0100" <= char <= "\U000e01ef" or "\ufe00" <= char <= "\ufe02":
        return unicodedata.name(before[-1:] or " ", "").startswith("CJK UNIFIED IDEOGRAPH")
    return False


def _joins(before: str, after: str) -> bool:
    """Return whether a joiner is valid between two texts, by RFC 5892, A.1 and A.2.

    It follows a virama, or stands between letters (with their marks) of a script that joins them.
    """
    last = before[-1:]
    if not last or not _within(JOINING, last):
        return False
    return unicodedata.combining(last) == _VIRAMA or (bool(after) and _within(JOINING, after[0]))


def _joins_emoji(before: str, after: str) -> bool:
    base = before.rstrip(_EMOJI_STYLES + "\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff") or before
    return _is_pictograph(base[-1:]) and _is_pictograph(after[:1])


def _is_pictograph(char: str) -> bool:
    return bool(char) and _within(PICTOGRAPHIC, char)


def _has_many_marks(text: str) -> bool:
    """Return whether marks pile up over a base beyond its line."""
    number, last = 0, ""
    for char in unicodedata.normalize("NFD", text):
        if unicodedata.category(char) in ("Mn", "Me"):
            number += 1
            if number > MAX_MARKS or char == last:
                return True
            last = char
        elif not is_ignorable(char):
            number, last = 0, ""
    return False


def _within(ranges: Ranges, char: str) -> bool:
    point = ord(char)
    index = bisect_right(ranges, (point, 0x110000)) - 1
    return index >= 0 and point <= ranges[index][1]
