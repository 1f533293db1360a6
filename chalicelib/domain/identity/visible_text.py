"""Whether a text can be seen, by Unicode's data.

`str.isprintable` does not tell: letters that show nothing pass it (U+3164), and emoji newer than this Python's data
do not.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right

from chalicelib.domain.identity.unicode_tables import IGNORABLE, JOINING, PICTOGRAPHIC, Ranges

# UTS 39, 5.4: no more than four marks that take no space on one base, and none twice in a row.
MAX_MARKS = 4
ZERO_WIDTH_NON_JOINER, ZERO_WIDTH_JOINER, MONGOLIAN_SEPARATOR = "\u200c", "\u200d", "\u180e"
# They are drawn as nothing, though no property of theirs says so: braille's and hieroglyphs' blanks, a note without
# head, a filler, the place of an embedded object.
BLANK = frozenset("\u2800\ufffc\U00013441\U00013442\U00016fe4\U0001d159")
_EMOJI_STYLES = "\ufe0e\ufe0f"
# A flag of a region is a black flag, the region's code in tags, and a tag that ends it.
_TAGGED_FLAG = "\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f"
_KEYCAP = "[0-9#*]\ufe0f?\u20e3"
_VIRAMA = 9  # canonical combining class


def is_visible(text: str) -> bool:
    """Whether all of a text can be seen, spaces apart, and something of it is no space.

    What shows nothing by itself is taken only where it shapes what is beside it: joiners within scripts and emoji that
    are written with them, the style of an emoji, a variant of an ideograph.
    """
    text = re.sub(_KEYCAP, "0", re.sub(_TAGGED_FLAG, "\U0001f3f4", text))
    return bool(text.strip()) and all(_fits(text, place) for place in range(len(text))) and not _has_many_marks(text)


def is_ignorable(char: str) -> bool:
    """Whether a character shows nothing by itself."""
    return _within(IGNORABLE, char)


def is_mark(char: str) -> bool:
    """Whether a character is drawn on the one before it."""
    return unicodedata.category(char)[0] == "M"


def _fits(text: str, place: int) -> bool:
    char = text[place]
    if is_ignorable(char):
        return _shapes(text, place)
    kind = unicodedata.category(char)
    if kind[0] == "M":
        return place > 0 and not text[place - 1].isspace() and char not in BLANK
    if kind[0] in "LNPS" or kind == "Zs":
        return char not in BLANK
    return _within(PICTOGRAPHIC, char)


def _shapes(text: str, place: int) -> bool:
    """Whether a character that shows nothing changes how its neighbours are drawn."""
    char, before, after = text[place], text[:place], text[place + 1 :]
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
    """RFC 5892, A.1 and A.2: after a virama, or between letters (with their marks) of a script that joins them."""
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
    """Whether marks pile up over a base and spill over its line."""
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
    place = bisect_right(ranges, (point, 0x110000)) - 1
    return place >= 0 and point <= ranges[place][1]
