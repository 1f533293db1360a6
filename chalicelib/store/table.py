"""The one way to the table: reads that read unprocessed keys, writes that say what went wrong.

StoreError                      the store could not do it; the caller may retry later
└── Busy                        throttled, or parts of the answer kept missing
Conflict (domain)               another writer was first
└── ConditionFailed             a condition did not hold; `failed` are the places in a transaction
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session

from chalicelib.domain.errors import Conflict, OutOfReach
from chalicelib.store.keys import ORDER_INDEX, Key
from chalicelib.store.models import Item

# DynamoDB's own limits.
MAX_BATCH_GET = 100
MAX_TRANSACTION = 100
# Eight pauses are up to 5 s: longer than any burst a batch read should wait out.
MAX_PARTIAL_RETRIES = 8
_THROTTLED = {"ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded"}
_CONFLICTS = {"TransactionConflictException", "TransactionInProgressException"}


class StoreError(OutOfReach):
    """The store could not do it, for a reason of its own."""


class Busy(StoreError):
    """Throttled, or an answer stayed partial."""


class ConditionFailed(Conflict):
    """A condition did not hold."""

    def __init__(self, failed: Sequence[int] = ()) -> None:
        super().__init__("a condition did not hold")
        self.failed = tuple(failed)


@dataclass(frozen=True, slots=True)
class Page:
    """Items in key order, and the key to go on from, or None at the end."""

    items: list[Item]
    next: Item | None


def connect(session: Session) -> Any:
    """A DynamoDB client with the timeouts of a service that retries: 1 s to connect, 3 s to read.

    Requests are built here from typed values, so botocore's own check of their shape (a sixth of a call) is off.
    """
    config = Config(
        connect_timeout=1,
        read_timeout=3,
        max_pool_connections=32,
        parameter_validation=False,
        # Botocore writes its own user agent anew twice a call: a quarter of a call's CPU.
        user_agent="laurel",
        retries={"total_max_attempts": 4, "mode": "standard"},
    )
    return session.create_client("dynamodb", config=config)


class Table:
    """One DynamoDB table. Reads are strong unless asked otherwise. `pause(n)`: wait before retry n, with jitter."""

    def __init__(self, name: str, client: Any, pause: Callable[[int], None]) -> None:
        self.name = name
        self.client = client
        self.pause = pause

    # Reads -----------------------------------------------------------------------------------------------------

    def get(self, key: Key, *, strong: bool = True) -> Item | None:
        answer = self._call("get_item", {"TableName": self.name, "Key": key_of(key), "ConsistentRead": strong})
        return answer.get("Item")

    def get_many(self, keys: Sequence[Key], *, strong: bool = True) -> dict[Key, Item]:
        """The items that exist, by key."""
        found: dict[Key, Item] = {}
        distinct = list(dict.fromkeys(keys))
        for start in range(0, len(distinct), MAX_BATCH_GET):
            wanted = [key_of(key) for key in distinct[start : start + MAX_BATCH_GET]]
            for item in self._batch(wanted, strong):
                found[item["pk"]["S"], item["sk"]["S"]] = item
        return found

    def _batch(self, wanted: list[Item], strong: bool) -> Iterator[Item]:
        for attempt in range(MAX_PARTIAL_RETRIES):
            answer = self._call(
                "batch_get_item", {"RequestItems": {self.name: {"Keys": wanted, "ConsistentRead": strong}}}
            )
            yield from answer["Responses"].get(self.name, [])
            wanted = answer.get("UnprocessedKeys", {}).get(self.name, {}).get("Keys", [])
            if not wanted:
                return
            self.pause(attempt)
        raise Busy(f"{len(wanted)} items stayed unprocessed")

    def query(
        self,
        pk: str,
        *,
        prefix: str = "",
        between: tuple[str, str] | None = None,
        index: bool = False,
        limit: int | None = None,
        newest_first: bool = False,
        start: Item | None = None,
        strong: bool = True,
        counts: bool = False,
        attributes: Sequence[str] = (),
    ) -> Page:
        """One page of a partition (of the order index if `index`, whose reads are never strong)."""
        hash_name, range_name = ("board", "order") if index else ("pk", "sk")
        request: dict[str, Any] = {
            "TableName": self.name,
            "KeyConditionExpression": "#h = :h",
            "ExpressionAttributeNames": {"#h": hash_name},
            "ExpressionAttributeValues": {":h": {"S": pk}},
            "ScanIndexForward": not newest_first,
            "ConsistentRead": strong and not index,
        }
        if prefix or between:
            request["ExpressionAttributeNames"]["#r"] = range_name
        if prefix:
            request["KeyConditionExpression"] += " AND begins_with(#r, :p)"
            request["ExpressionAttributeValues"][":p"] = {"S": prefix}
        elif between:
            request["KeyConditionExpression"] += " AND #r BETWEEN :a AND :b"
            request["ExpressionAttributeValues"] |= {":a": {"S": between[0]}, ":b": {"S": between[1]}}
        if attributes:
            request["ProjectionExpression"] = ", ".join(f"#{name}" for name in attributes)
            request["ExpressionAttributeNames"] |= {f"#{name}": name for name in attributes}
        optional = {
            "IndexName": ORDER_INDEX if index else None,
            "Limit": limit,
            "ExclusiveStartKey": start,
            "Select": "COUNT" if counts else None,
        }
        answer = self._call("query", request | {name: value for name, value in optional.items() if value is not None})
        items = [{} for _ in range(answer["Count"])] if counts else answer["Items"]
        return Page(items, answer.get("LastEvaluatedKey"))

    def query_all(self, pk: str, **conditions: Any) -> Iterator[Item]:
        """Every item, page after page."""
        start: Item | None = None
        while True:
            page = self.query(pk, start=start, **conditions)
            yield from page.items
            start = page.next
            if start is None:
                return

    def scan_keys(self, sk: str, start: Item | None = None) -> Page:
        """One page (1 MB read) of the keys of all items with this sort key, in no order."""
        return self.scan("sk = :s", {":s": {"S": sk}}, ("pk", "sk"), start)

    def scan(self, condition: str, values: Item, attributes: Sequence[str], start: Item | None = None) -> Page:
        """One page (1 MB read) of these attributes of all items that meet a condition, in no order. Strong."""
        request: dict[str, Any] = {
            "TableName": self.name,
            "FilterExpression": condition,
            "ProjectionExpression": ", ".join(f"#{name}" for name in attributes),
            "ExpressionAttributeNames": {f"#{name}": name for name in attributes},
            "ExpressionAttributeValues": values,
            "ConsistentRead": True,
        }
        answer = self._call("scan", request | ({"ExclusiveStartKey": start} if start else {}))
        return Page(answer["Items"], answer.get("LastEvaluatedKey"))

    # Writes ----------------------------------------------------------------------------------------------------

    def put(
        self,
        item: Item,
        condition: str = "",
        names: Mapping[str, str] | None = None,
        values: Item | None = None,
    ) -> None:
        self._call("put_item", put_of(self.name, item, condition, names, values)["Put"])

    def update(self, request: dict[str, Any]) -> None:
        """One conditional update, from `update_of`."""
        self._call("update_item", request["Update"])

    def delete(self, key: Key) -> None:
        self._call("delete_item", {"TableName": self.name, "Key": key_of(key)})

    def transact(self, writes: Sequence[dict[str, Any]]) -> None:
        """All writes or none. Raises ConditionFailed with places, Conflict for another running transaction."""
        if len(writes) > MAX_TRANSACTION:
            raise ValueError(f"a transaction takes {MAX_TRANSACTION} items, not {len(writes)}")
        self._call("transact_write_items", {"TransactItems": list(writes)})

    def _call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = getattr(self.client, operation)(**request)
            return answer
        except ClientError as error:
            _explain(error)
        except BotoCoreError as error:
            raise StoreError(f"{operation}: {error}") from error


def _explain(error: ClientError) -> NoReturn:
    """Tell a lost race from a domain answer from trouble; keep the cause."""
    answer: dict[str, Any] = dict(error.response)
    code = answer.get("Error", {}).get("Code", "")
    if code == "ConditionalCheckFailedException":
        raise ConditionFailed([0]) from error
    if code == "TransactionCanceledException":
        reasons = [reason.get("Code", "None") for reason in answer.get("CancellationReasons", [])]
        failed = [place for place, reason in enumerate(reasons) if reason == "ConditionalCheckFailed"]
        if failed:
            raise ConditionFailed(failed) from error
        if "TransactionConflict" in reasons:
            raise Conflict("another transaction is running") from error
        if any(reason in ("ThrottlingError", "ProvisionedThroughputExceeded") for reason in reasons):
            raise Busy(str(error)) from error
        raise StoreError(str(error)) from error
    if code in _CONFLICTS:
        raise Conflict(code) from error
    raise (Busy if code in _THROTTLED else StoreError)(str(error)) from error


def key_of(key: Key) -> Item:
    return {"pk": {"S": key[0]}, "sk": {"S": key[1]}}


def put_of(
    table: str,
    item: Item,
    condition: str = "",
    names: Mapping[str, str] | None = None,
    values: Item | None = None,
) -> dict[str, Any]:
    """A Put for a transaction."""
    request: dict[str, Any] = {"TableName": table, "Item": item}
    return {"Put": _with_condition(request, condition, names, values)}


def update_of(
    table: str,
    key: Key,
    expression: str,
    condition: str = "",
    names: Mapping[str, str] | None = None,
    values: Item | None = None,
) -> dict[str, Any]:
    """An Update for a transaction."""
    request: dict[str, Any] = {"TableName": table, "Key": key_of(key), "UpdateExpression": expression}
    return {"Update": _with_condition(request, condition, names, values)}


def delete_of(table: str, key: Key, condition: str = "", values: Item | None = None) -> dict[str, Any]:
    """A Delete for a transaction."""
    return {"Delete": _with_condition({"TableName": table, "Key": key_of(key)}, condition, None, values)}


def check_of(table: str, key: Key, condition: str, values: Item | None = None) -> dict[str, Any]:
    """A ConditionCheck for a transaction."""
    return {"ConditionCheck": _with_condition({"TableName": table, "Key": key_of(key)}, condition, None, values)}


def _with_condition(
    request: dict[str, Any], condition: str, names: Mapping[str, str] | None, values: Item | None
) -> dict[str, Any]:
    if condition:
        request["ConditionExpression"] = condition
    if names:
        request["ExpressionAttributeNames"] = dict(names)
    if values:
        request["ExpressionAttributeValues"] = values
    return request


def number(value: int) -> dict[str, str]:
    return {"N": str(value)}


def text(value: str) -> dict[str, str]:
    return {"S": value}
