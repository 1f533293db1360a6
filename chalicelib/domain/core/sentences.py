"""Sentences of errors that several modules need. All have one style.

A sentence begins with a capital letter or with the quoted name of what is wrong, and ends with a full stop, or with a
question that suggests a name. Names and values are in single quotes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

# Longer names are cut: they are the client's own text.
MAX_SHOWN = 64
NO_OPERATION = "There is no operation with this method and path; 'GET /docs' lists all of them."
# msgspec's message about malformed JSON.
_MALFORMED = re.compile(r"JSON is malformed: (.+) \(byte (\d+)\)")


def unknown(what: str, shown: str, known: Iterable[str], name: str = "") -> str:
    """Return the sentence for an unknown member or parameter, with the closest known name."""
    return f"There is no {what} '{shown[:MAX_SHOWN]}'{suggestion(name or shown, known)}"


def not_one_of(name: str, value: str, allowed: Iterable[str]) -> str:
    """Return the sentence for a value that is none of the allowed ones, with the closest of them."""
    words = list(allowed)
    return f"'{name}' must be {one_of(words)}{suggestion(value, words)}"


def one_of(words: list[str]) -> str:
    """Return a list of alternatives in words."""
    if not words:
        return "absent, because none exists"
    return " or ".join(words) if len(words) < 3 else f"one of {', '.join(words)}"


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return the end of a sentence: a question with the closest known name, or a full stop."""
    # Imported lazily: only errors need it.
    from difflib import get_close_matches

    by_folded = {each.casefold(): each for each in known}
    close = get_close_matches(name[:MAX_SHOWN].casefold(), list(by_folded), n=1)
    return f"; did you mean '{by_folded[close[0]]}'?" if close else "."


def not_json(whole: str, error: Exception) -> str:
    """Return the sentence for a text that is not JSON. `whole`: the subject of the sentence, such as "The body"."""
    found = _MALFORMED.fullmatch(str(error))
    if found:
        reason = f"{found[1]} at byte {found[2]}"
    elif isinstance(error, UnicodeError):
        reason = "it is not UTF-8"
    elif isinstance(error, RecursionError):
        reason = "it nests too deeply"
    elif "truncated" in str(error):
        reason = "it ends too early"
    else:
        return f"{whole} is not valid JSON."
    return f"{whole} is not valid JSON: {reason}."
