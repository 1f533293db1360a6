"""Reads of partitions of millions of items: msgspec decodes the responses instead of botocore's parser.

That takes a tenth of the CPU. `tests/store/boards/test_bulk.py` checks that both parsers return the same.
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
# The kind as which the running query of this thread decodes its items.
_KIND: ContextVar[Any] = ContextVar("kind", default=None)


class Wire(msgspec.Struct, frozen=True, gc=False):
    """An attribute's value as the response holds it, of one of the types that are read in bulk."""

    N: str = ""
    S: str = ""
    B: bytes = b""


def query_as(
    table: Table, kind: type[T], pk: str, start: Item | None = None, **conditions: Any
) -> tuple[list[T], Item | None]:
    """Read one page of a partition like `Table.query`, each item a `kind` of `Wire`s; and the key to continue from."""
    # The client may differ from the one of the last call.
    table.client.meta.events.register("before-parse.dynamodb.Query", _decode, unique_id="laurel-bulk")
    token = _KIND.set(kind)
    try:
        page = table.query(pk, start=start, **conditions)
    finally:
        _KIND.reset(token)
    items: Any = page.items
    return items, page.next


def query_all_as(table: Table, kind: type[T], pk: str, **conditions: Any) -> Iterator[T]:
    """Yield every item, page after page."""
    start: Item | None = None
    while True:
        items, start = query_as(table, kind, pk, start, **conditions)
        yield from items
        if start is None:
            return


def _decode(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any) -> None:
    """Decode the response instead of botocore's parser, if this call requested it."""
    kind = _KIND.get()
    if kind is None or response_dict["status_code"] >= 300:
        return
    response = msgspec.json.decode(response_dict["body"], type=_response_type(kind))
    customized_response_dict |= {"Items": response.Items, "Count": response.Count}
    if response.LastEvaluatedKey is not None:
        customized_response_dict["LastEvaluatedKey"] = response.LastEvaluatedKey
    response_dict["body"] = b"{}"


@cache
def _response_type(kind: Any) -> Any:
    """Return the struct of a response with such items."""
    fields: list[Any] = [("Items", list[kind]), ("Count", int), ("LastEvaluatedKey", Item | None, None)]
    return msgspec.defstruct("Answer", fields)
