"""DynamoDB in process: the requests themselves, one function an operation.

`DynamoDB.execute(operation, request, call)` takes and gives the decoded JSON of the wire and raises AwsError. Every
call is atomic unless its `Call` says otherwise.
"""

from __future__ import annotations

from typing import Any

from . import queries, transactions
from .calls import Call, Handler, Killed, missing_operation
from .capacity import Meter, Usage, read_units, write_units
from .errors import AwsError, ConditionFailed, Invalid
from .expressions import Binding, Projection
from .table import Row, Table
from .writes import Write, plan

MAX_BATCH_WRITES = 25
MAX_BATCH_READS = 100
MAX_BATCH_READ_BYTES = 16 * 1024 * 1024
_DETAILS = ("INDEXES", "TOTAL", "NONE")


class DynamoDB:
    """Tables, their meter and the operations on them."""

    def __init__(self, history_ms: int = 0) -> None:
        self.tables: dict[str, Table] = {}
        self.meter = Meter()
        self.history_ms = history_ms
        self.tokens: transactions.Tokens = transactions.Tokens()
        self._handlers: dict[str, Any] = {
            "GetItem": self._get,
            "BatchGetItem": self._batch_get,
            "PutItem": self._write,
            "UpdateItem": self._write,
            "DeleteItem": self._write,
            "BatchWriteItem": self._batch_write,
            "TransactWriteItems": self._transact_write,
            "TransactGetItems": self._transact_get,
            "Query": self._query,
            "Scan": self._query,
        }
        self._schema: dict[str, Handler] = {
            "CreateTable": self._create_table,
            "DescribeTable": self._describe_table,
            "DeleteTable": self._delete_table,
            "ListTables": lambda request, call: {"TableNames": sorted(self.tables)},
            "UpdateTimeToLive": self._update_ttl,
            "DescribeTimeToLive": self._describe_ttl,
        }

    def execute(self, operation: str, request: dict[str, Any], call: Call) -> dict[str, Any]:
        if operation in self._schema:
            return self._schema[operation](request, call)
        handler = self._handlers.get(operation)
        if handler is None:
            raise missing_operation(operation)
        detail = request.get("ReturnConsumedCapacity", "NONE")
        if detail not in _DETAILS:
            raise Invalid(f"1 validation error detected: Value '{detail}' at 'returnConsumedCapacity' is not one")
        usage = Usage()
        try:
            answer: dict[str, Any] = handler(operation, request, call, usage)
        finally:
            self.meter.add(operation, usage, request)
        if detail != "NONE":
            self._report(operation, request, answer, usage, detail)
        return answer

    def _report(
        self, operation: str, request: dict[str, Any], answer: dict[str, Any], usage: Usage, detail: str
    ) -> None:
        if "Transact" in operation or "Batch" in operation:
            kinds = "Transact" in operation
            answer["ConsumedCapacity"] = [usage.answer(table, detail, kinds) for table in usage.tables()]
        else:
            answer["ConsumedCapacity"] = usage.answer(request["TableName"], detail)

    def table(self, name: Any) -> Table:
        table = self.tables.get(name)
        if table is None:
            if not isinstance(name, str) or not 3 <= len(name) <= 255:
                raise Invalid("Invalid table/index name. Table/index names must be between 3 and 255 characters long")
            raise AwsError("ResourceNotFoundException", f"Requested resource not found: Table: {name} not found")
        return table

    # reads

    def read(self, table: Table, key: Any, strong: bool, call: Call) -> Row | None:
        current = table.rows.get(key)
        if strong or not call.stale or key not in table.recent:
            return current
        return call.version(table.versions(key, call.now_ms), current)

    def _get(self, operation: str, request: dict[str, Any], call: Call, usage: Usage) -> dict[str, Any]:
        table = self.table(request.get("TableName"))
        binding = Binding(request, with_values=False)
        projection = queries.projection_of(table, request, binding)
        binding.finish()
        strong = bool(request.get("ConsistentRead"))
        row = self.read(table, table.key(request["Key"]), strong, call)
        usage.read(table.name, None, read_units(row[1] if row else 0, 1 if strong else 0.5))
        if row is None:
            return {}
        return {"Item": projection.take(row[0]) if projection else row[0]}

    def _batch_get(self, operation: str, request: dict[str, Any], call: Call, usage: Usage) -> dict[str, Any]:
        requested = self._requested(request.get("RequestItems") or {})
        left_out = call.left_out(len(requested))
        second = self._torn(requested, call)
        answers: dict[str, list[Any]] = {name: [] for name in request["RequestItems"]}
        unprocessed: dict[str, Any] = {}
        total = 0
        for index, (table, key, strong, projection, wire) in enumerate(requested):
            row = second[index] if second else self.read(table, key, strong, call)
            size = row[1] if row else 0
            if index in left_out or (total and total + size > MAX_BATCH_READ_BYTES):
                settings = {k: v for k, v in request["RequestItems"][table.name].items() if k != "Keys"}
                unprocessed.setdefault(table.name, {**settings, "Keys": []})["Keys"].append(wire)
                continue
            total += size
            usage.read(table.name, None, read_units(size, 1 if strong else 0.5))
            if row:
                answers[table.name].append(projection.take(row[0]) if projection else row[0])
        return {"Responses": answers, "UnprocessedKeys": unprocessed}

    def _requested(self, requests: dict[str, Any]) -> list[tuple[Table, Any, bool, Projection | None, dict[str, Any]]]:
        count = sum(len(part.get("Keys") or ()) for part in requests.values())
        if not requests or any(not part.get("Keys") for part in requests.values()):
            raise Invalid("1 validation error detected: Value at 'requestItems' failed to satisfy constraint")
        if count > MAX_BATCH_READS:
            raise Invalid("Too many items requested for the BatchGetItem call")
        requested = []
        for name, part in requests.items():
            table = self.table(name)
            binding = Binding(part, with_values=False)
            projection = queries.projection_of(table, part, binding)
            binding.finish()
            keys = [table.key(wire) for wire in part["Keys"]]
            if len(set(keys)) != len(keys):
                raise Invalid("Provided list of item keys contains duplicates")
            strong = bool(part.get("ConsistentRead"))
            requested += [(table, k, strong, projection, w) for k, w in zip(keys, part["Keys"], strict=True)]
        return requested

    def _torn(self, requested: list[Any], call: Call) -> list[Row | None]:
        """Return rows read at two instants, with other writes in between; [] if the call is not torn."""
        if len(requested) < 2 or not call.meets("torn"):
            return []
        first = [self.read(table, key, strong, call) for table, key, strong, _, _ in requested]
        call.pause()
        second = [self.read(table, key, strong, call) for table, key, strong, _, _ in requested]
        return [call.rng.choice(pair) for pair in zip(first, second, strict=True)]

    def _query(self, operation: str, request: dict[str, Any], call: Call, usage: Usage) -> dict[str, Any]:
        return queries.run(self.table(request.get("TableName")), operation, request, call, usage)

    # writes

    def _write(self, operation: str, request: dict[str, Any], call: Call, usage: Usage) -> dict[str, Any]:
        table = self.table(request.get("TableName"))
        write = plan(table, operation, request)
        if call.meets("conflict"):
            raise AwsError("TransactionConflictException", "Transaction is ongoing for the item", status=400)
        return self._apply_one(table, write, call, usage)

    def _apply_one(self, table: Table, write: Write, call: Call, usage: Usage) -> dict[str, Any]:
        old = table.rows.get(write.key)
        if not write.holds(old):
            usage.write(table.name, None, write_units(old[1] if old else 0))
            shown = write.shows_failed and old is not None
            raise ConditionFailed(old[0] if shown and old else None)
        new = write.result(old)
        self.charge(table, old, new, 1, usage)
        if new is not old:
            table.store(write.key, new, call.now_ms)
        return write.answer(old, new)

    def charge(self, table: Table, old: Row | None, new: Row | None, factor: int, usage: Usage) -> None:
        size = max(old[1] if old else 0, new[1] if new else 0)
        usage.write(table.name, None, write_units(size, factor))
        if table.indexes and new is not old:
            for index, units in table.index_writes(old, new):
                usage.write(table.name, index, units)  # not doubled in transactions: indexes follow later

    def _batch_write(self, operation: str, request: dict[str, Any], call: Call, usage: Usage) -> dict[str, Any]:
        planned = self._planned_batch(request.get("RequestItems") or {})
        left_out = call.left_out(len(planned))
        order = list(range(len(planned)))
        done = call.cut(len(planned))
        if done < len(planned):
            call.rng.shuffle(order)
        unprocessed: dict[str, list[Any]] = {}
        for position, index in enumerate(order):
            table, write, wire = planned[index]
            if position == done:
                raise Killed
            if index in left_out:
                unprocessed.setdefault(table.name, []).append(wire)
            else:
                self._apply_one(table, write, call, usage)
        return {"UnprocessedItems": unprocessed}

    def _planned_batch(self, requests: dict[str, Any]) -> list[tuple[Table, Write, dict[str, Any]]]:
        planned = []
        for name, parts in requests.items():
            table = self.table(name)
            for part in parts:
                if len(part) != 1:
                    raise Invalid("Supplied AttributeValue has more than one datatypes set")
                ((kind, inner),) = part.items()
                operation = {"PutRequest": "PutItem", "DeleteRequest": "DeleteItem"}.get(kind)
                if operation is None:
                    raise Invalid("Invalid request in BatchWriteItem")
                planned.append((table, plan(table, operation, inner), part))
        if not planned or len(planned) > MAX_BATCH_WRITES:
            raise Invalid("Too many items requested for the BatchWriteItem call" if planned else "No items requested")
        if len({(table.name, write.key) for table, write, _ in planned}) != len(planned):
            raise Invalid("Provided list of item keys contains duplicates")
        return planned

    def _transact_write(self, operation: str, request: dict[str, Any], call: Call, usage: Usage) -> dict[str, Any]:
        return transactions.write(self, request, call, usage)

    def _transact_get(self, operation: str, request: dict[str, Any], call: Call, usage: Usage) -> dict[str, Any]:
        return transactions.get(self, request, call, usage)

    # tables

    def _create_table(self, request: dict[str, Any], call: Call) -> dict[str, Any]:
        name = request["TableName"]
        if name in self.tables:
            raise AwsError("ResourceInUseException", f"Table already exists: {name}")
        self.tables[name] = Table(request, self.history_ms)
        return {"TableDescription": self._description(name)}

    def _description(self, name: str) -> dict[str, Any]:
        table = self.table(name)
        kept = ("TableName", "KeySchema", "AttributeDefinitions")
        described: dict[str, Any] = {k: table.definition[k] for k in kept}
        described.update(TableStatus="ACTIVE", ItemCount=len(table.rows), TableArn=f"arn:aws:dynamodb:::{name}")
        if table.indexes:
            described["GlobalSecondaryIndexes"] = [
                {**index, "IndexStatus": "ACTIVE"} for index in table.definition["GlobalSecondaryIndexes"]
            ]
        return described

    def _describe_table(self, request: dict[str, Any], call: Call) -> dict[str, Any]:
        return {"Table": self._description(request["TableName"])}

    def _delete_table(self, request: dict[str, Any], call: Call) -> dict[str, Any]:
        described = self._description(request["TableName"])
        del self.tables[request["TableName"]]
        return {"TableDescription": described}

    def _update_ttl(self, request: dict[str, Any], call: Call) -> dict[str, Any]:
        specification = request["TimeToLiveSpecification"]
        self.table(request["TableName"]).ttl_attribute = (
            specification["AttributeName"] if specification["Enabled"] else ""
        )
        return {"TimeToLiveSpecification": specification}

    def _describe_ttl(self, request: dict[str, Any], call: Call) -> dict[str, Any]:
        attribute = self.table(request["TableName"]).ttl_attribute
        status = {"TimeToLiveStatus": "ENABLED", "AttributeName": attribute}
        return {"TimeToLiveDescription": status if attribute else {"TimeToLiveStatus": "DISABLED"}}
