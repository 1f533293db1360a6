"""Reading partitions of millions of items: queries whose answers msgspec decodes in place of botocore's own parser.

That takes a tenth of the CPU. `tests/store/boards/test_bulk.py` holds both parsers' answers equal.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextvars import ContextVar
from functools import cache
from typing import Any, TypeVar

import msgspec

from chalicelib.store.core.models import Item
from chalicelib.store.core.table import Table

T = TypeVar("T")
# What the query that this thread makes is to be decoded as.
_KIND: ContextVar[Any] = ContextVar("kind", default=None)


class Wire(msgspec.Struct, frozen=True, gc=False):
    """An attribute's value as it comes over the wire, of one of the types that are read in bulk."""

    N: str = ""
    S: str = ""
    B: bytes = b""


def query_as(
    table: Table, kind: type[T], pk: str, start: Item | None = None, **conditions: Any
) -> tuple[list[T], Item | None]:
    """One page of a partition, as `Table.query` reads it, each item a `kind` of `Wire`s; and the key to go on from."""
    # The client may be another one than last time.
    table.client.meta.events.register("before-parse.dynamodb.Query", _decode, unique_id="laurel-bulk")
    asked = _KIND.set(kind)
    try:
        page = table.query(pk, start=start, **conditions)
    finally:
        _KIND.reset(asked)
    items: Any = page.items
    return items, page.next


def query_all_as(table: Table, kind: type[T], pk: str, **conditions: Any) -> Iterator[T]:
    """Every item, page after page."""
    start: Item | None = None
    while True:
        items, start = query_as(table, kind, pk, start, **conditions)
        yield from items
        if start is None:
            return


def _decode(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any) -> None:
    """Leave nothing to botocore's parser, if this call asked for it."""
    kind = _KIND.get()
    if kind is None or response_dict["status_code"] >= 300:
        return
    answer = msgspec.json.decode(response_dict["body"], type=_answers(kind))
    customized_response_dict |= {"Items": answer.Items, "Count": answer.Count}
    if answer.LastEvaluatedKey is not None:
        customized_response_dict["LastEvaluatedKey"] = answer.LastEvaluatedKey
    response_dict["body"] = b"{}"


@cache
def _answers(kind: Any) -> Any:
    """The struct of an answer with such items."""
    fields: list[Any] = [("Items", list[kind]), ("Count", int), ("LastEvaluatedKey", Item | None, None)]
    return msgspec.defstruct("Answer", fields)
