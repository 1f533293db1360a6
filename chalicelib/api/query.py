"""A query string as the type of its operation: each parameter known, and given once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from chalice.app import MultiDict

from chalicelib.domain.core.decoding_errors import members_of, range_of
from chalicelib.domain.core.errors import InvalidRequest
from chalicelib.domain.core.sentences import MAX_SHOWN, suggestion, unknown

_NULL = {"type": "null"}


def read_query(sent: MultiDict | None, kind: Any) -> Any:
    """Return the query string as `kind`, None if the operation takes no parameter. An empty value counts as not given.

    Raises InvalidRequest naming the parameter: unknown, given twice, or not in its range.
    """
    given: dict[str, Sequence[str]] = {name: sent.getlist(name) for name in sent} if sent else {}
    known = members_of(kind) if given and kind is not None else {}
    for name, values in given.items():
        _check(name, values, known)
    if kind is None:
        return None
    filled = {name: values[0] for name, values in given.items() if values[0] != ""}
    try:
        return msgspec.convert(filled, kind, strict=False)
    except msgspec.ValidationError as error:
        name = str(error).rpartition("`$.")[2].rstrip("`")
        raise _out_of_range(name, known[name], filled[name]) from error


def _check(name: str, values: Sequence[str], known: dict[str, Any]) -> None:
    if name not in known:
        raise InvalidRequest(unknown("parameter", name, known), parameter=name[:MAX_SHOWN], allowed=list(known))
    if len(values) > 1:
        raise InvalidRequest(f"'{name}' is given {len(values)} times; give it at most once.", parameter=name)
    if values[0].lower() == "null" and _NULL in known[name].get("anyOf", []):
        # msgspec would take it for "not given".
        raise _out_of_range(name, known[name])


def _out_of_range(name: str, schema: dict[str, Any], value: str = "") -> InvalidRequest:
    allowed, details = range_of(schema)
    end = suggestion(value, [each for each in details.get("allowed", ()) if isinstance(each, str)])
    return InvalidRequest(f"'{name}' must be {allowed}{end}", parameter=name, **details)
