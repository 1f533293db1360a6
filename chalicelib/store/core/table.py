"""Access to the table. Reads retry unprocessed keys; writes end as done, refused or unknown (`outcomes`)."""

from __future__ import annotations

import copy
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session

from chalicelib.domain.core.batches import batched
from chalicelib.retry import OUT_OF_TIME, Retry
from chalicelib.store.core.keys import ORDER_INDEX, Key
from chalicelib.store.core.models import Item
from chalicelib.store.core.outcomes import Busy as Busy
from chalicelib.store.core.outcomes import ConditionFailed as ConditionFailed
from chalicelib.store.core.outcomes import StoreError as StoreError
from chalicelib.store.core.outcomes import Unknown as Unknown
from chalicelib.store.core.outcomes import failure_of
from chalicelib.store.core.transaction import Transaction
from chalicelib.store.core.writes import Delete, Put, Update
from chalicelib.store.core.writes import key_of as key_of

# A limit of DynamoDB.
MAX_BATCH_GET = 100
# Seven pauses take 1.3 s on average and 2.5 s at most: longer than most bursts of throttling.
MAX_TRIES = 8


@dataclass(frozen=True, slots=True)
class Page:
    """Items in key order, and the key to continue from, or None at the end."""

    items: list[Item]
    next: Item | None


def connect(session: Session) -> Any:
    """Create a DynamoDB client with the timeouts of a service that retries: 1 s to connect, 3 s to read.

    The client makes one try. Table retries, because only Table knows the deadline and what an earlier try may have
    done. Requests are built from typed values, so botocore's own check of their shape (a sixth of a call) is off.
    """
    config = Config(
        connect_timeout=1,
        read_timeout=3,
        max_pool_connections=32,
        parameter_validation=False,
        # Botocore builds its own user agent twice per call: a quarter of a call's CPU.
        user_agent="laurel",
        retries={"total_max_attempts": 1, "mode": "standard"},
    )
    return session.create_client("dynamodb", config=config)


class Table:
    """One DynamoDB table. Reads are strong unless asked otherwise. `pause(n)`: wait before retry n, with jitter."""

    def __init__(self, name: str, client: Any, pause: Callable[[int], None]) -> None:
        self.name = name
        self.client = client
        self.retry = Retry(pause)

    def using(self, retry: Retry) -> Table:
        """Return the same table with another retry policy."""
        table = copy.copy(self)
        table.retry = retry
        return table

    # Reads -----------------------------------------------------------------------------------------------------

    def get(self, key: Key, *, strong: bool = True) -> Item | None:
        response = self._call("get_item", {"TableName": self.name, "Key": key_of(key), "ConsistentRead": strong})
        return response.get("Item")

    def get_many(self, keys: Sequence[Key], *, strong: bool = True) -> dict[Key, Item]:
        """Return the items that exist, by key."""
        found: dict[Key, Item] = {}
        for batch in batched(dict.fromkeys(keys), MAX_BATCH_GET):
            for item in self._batch([key_of(key) for key in batch], strong):
                found[item["pk"]["S"], item["sk"]["S"]] = item
        return found

    def _batch(self, requested: list[Item], strong: bool) -> Iterator[Item]:
        for _ in self.retry.tries(MAX_TRIES):
            response = self._call(
                "batch_get_item", {"RequestItems": {self.name: {"Keys": requested, "ConsistentRead": strong}}}
            )
            yield from response["Responses"].get(self.name, [])
            requested = response.get("UnprocessedKeys", {}).get(self.name, {}).get("Keys", [])
            if not requested:
                return
        raise Busy(f"{len(requested)} items stayed unprocessed")

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
        """Read one page of a partition. With `index`, read the order index, whose reads are never strong."""
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
        response = self._call("query", request | {name: value for name, value in optional.items() if value is not None})
        items = [{} for _ in range(response["Count"])] if counts else response["Items"]
        return Page(items, response.get("LastEvaluatedKey"))

    def query_all(self, pk: str, **conditions: Any) -> Iterator[Item]:
        """Yield every item, page after page."""
        start: Item | None = None
        while True:
            page = self.query(pk, start=start, **conditions)
            yield from page.items
            start = page.next
            if start is None:
                return

    def scan_keys(self, sk: str, start: Item | None = None) -> Page:
        """Read one page (1 MB) of the keys of all items with this sort key, in no order."""
        return self.scan("sk = :s", {":s": {"S": sk}}, ("pk", "sk"), start)

    def scan(self, condition: str, values: Item, attributes: Sequence[str], start: Item | None = None) -> Page:
        """Read one page (1 MB) of these attributes of all items that meet a condition, in no order. Strong."""
        request: dict[str, Any] = {
            "TableName": self.name,
            "FilterExpression": condition,
            "ProjectionExpression": ", ".join(f"#{name}" for name in attributes),
            "ExpressionAttributeNames": {f"#{name}": name for name in attributes},
            "ExpressionAttributeValues": values,
            "ConsistentRead": True,
        }
        response = self._call("scan", request | ({"ExclusiveStartKey": start} if start else {}))
        return Page(response["Items"], response.get("LastEvaluatedKey"))

    # Writes ----------------------------------------------------------------------------------------------------

    def put(
        self,
        item: Item,
        condition: str = "",
        names: Mapping[str, str] | None = None,
        values: Item | None = None,
    ) -> None:
        self._call("put_item", Put(item, condition, names, values).request(self.name))

    def update(
        self,
        key: Key,
        expression: str,
        condition: str = "",
        names: Mapping[str, str] | None = None,
        values: Item | None = None,
    ) -> None:
        self.apply(Update(key, expression, condition, names, values))

    def apply(self, update: Update) -> None:
        """Execute one update outside of a transaction."""
        self._call("update_item", update.request(self.name))

    def delete(
        self, key: Key, condition: str = "", names: Mapping[str, str] | None = None, values: Item | None = None
    ) -> None:
        self._call("delete_item", Delete(key, condition, names, values).request(self.name))

    def transaction(self) -> Transaction:
        """Return a new unit of work: writes to be committed together."""
        return Transaction(self)

    def transact(self, writes: Sequence[dict[str, Any]]) -> None:
        """Execute all writes or none.

        Raises ConditionFailed with places, LostRace for another running transaction, Unknown. All tries of one call
        share a token, so DynamoDB executes it once.
        """
        token = str(uuid.uuid4())
        self._call("transact_write_items", {"TransactItems": list(writes), "ClientRequestToken": token})

    def _call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """Send a request, and retry it while the store is busy.

        After a try of a write got no response, a later refusal may be due to that try: the write ends as Unknown.
        """
        unanswered: Unknown | None = None
        lost: StoreError = Busy(f"{operation}: {OUT_OF_TIME}")
        if not self.retry.has_time():
            raise lost
        for _ in self.retry.tries(MAX_TRIES):
            try:
                response: dict[str, Any] = getattr(self.client, operation)(**request)
                return response
            except (ClientError, BotoCoreError) as error:
                failure = failure_of(operation, error)
                failure.__cause__ = error
            if not isinstance(failure, Busy | Unknown):
                if unanswered is None:
                    raise failure
                raise Unknown(f"{unanswered}; then: {failure}") from failure
            unanswered = failure if isinstance(failure, Unknown) else unanswered
            lost = failure
        raise unanswered or lost


def number(value: int) -> dict[str, str]:
    return {"N": str(value)}


def text(value: str) -> dict[str, str]:
    return {"S": value}
