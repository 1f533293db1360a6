"""Random requests, valid and not, over a small key space: what `differential` sends to two engines."""

from __future__ import annotations

from typing import Any

from .drawing import NAMES, NUMBERS_USED, Drawing

MAIN, NUMBERS = "laurel-main", "laurel-numbers"
INDEX, SPARSE, COPY = "order-index", "sparse-index", "copy-index"
TABLES: list[dict[str, Any]] = [
    {
        "TableName": MAIN,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [
            {"AttributeName": name, "AttributeType": kind}
            for name, kind in (("pk", "S"), ("sk", "S"), ("board", "S"), ("order", "S"), ("n", "N"))
        ],
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        "GlobalSecondaryIndexes": [
            {
                "IndexName": INDEX,
                "KeySchema": [
                    {"AttributeName": "board", "KeyType": "HASH"},
                    {"AttributeName": "order", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["s", "m"]},
            },
            {
                "IndexName": SPARSE,
                "KeySchema": [{"AttributeName": "n", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            },
        ],
    },
    {
        "TableName": NUMBERS,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [
            {"AttributeName": "id", "AttributeType": "N"},
            {"AttributeName": "group", "AttributeType": "S"},
            {"AttributeName": "at", "AttributeType": "N"},
        ],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "GlobalSecondaryIndexes": [
            {
                "IndexName": COPY,
                "KeySchema": [
                    {"AttributeName": "group", "KeyType": "HASH"},
                    {"AttributeName": "at", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    },
]
RETURNS = ("NONE", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW")


class Generator(Drawing):
    """Draws requests from one seed. `odd` is the share of requests that get something wrong on purpose."""

    def __init__(self, seed: int, odd: float = 0.12) -> None:
        super().__init__(seed, odd)

    def request(self) -> tuple[str, dict[str, Any]]:
        """Return an operation and its request."""
        self.names, self.values = {}, {}
        kinds = (
            (self.put, 14),
            (self.update, 30),
            (self.delete, 6),
            (self.get, 8),
            (self.query, 14),
            (self.scan, 3),
            (self.transact_write, 14),
            (self.transact_get, 3),
            (self.batch_get, 4),
            (self.batch_write, 4),
        )
        draw = self.rng.choices([k for k, _ in kinds], [w for _, w in kinds])[0]
        operation, request = draw()
        if operation not in ("Query", "Scan") or self.rng.random() < 0.8:
            request["ReturnConsumedCapacity"] = "INDEXES"
        return operation, request

    # requests

    def table(self) -> str:
        if self.oddly(0.05):
            return "laurel-nowhere"
        return MAIN if self.chance(0.8) else NUMBERS

    def key(self, table: str) -> dict[str, Any]:
        rng = self.rng
        if table == NUMBERS:
            key: dict[str, Any] = {"id": {"N": rng.choice(("1", "2", "3.0", "-1"))}}
        else:
            key = {"pk": {"S": rng.choice(("p", "q"))}, "sk": {"S": rng.choice(("1", "2", "a", "ab", "b", "é"))}}
        if self.oddly(0.3):
            name = rng.choice(list(key))
            change = rng.randrange(4)
            if change == 0:
                del key[name]
            elif change == 1:
                key[name] = {"S": ""}
            elif change == 2:
                key[name] = {"BOOL": True}
            else:
                key["extra"] = {"S": "x"}
        return key

    def item(self, table: str) -> dict[str, Any]:
        rng = self.rng
        item = self.key(table)
        for name in rng.sample(NAMES, rng.randrange(5)):
            item[name] = self.value()
        if table == NUMBERS:
            item.update({"group": {"S": rng.choice("gh")}} if self.chance(0.6) else {})
            item.update({"at": self.number()} if self.chance(0.6) else {})
            return item
        item.update({"board": self.index_text("xy")} if self.chance(0.6) else {})
        item.update({"order": self.index_text(("1", "2", "3"))} if self.chance(0.6) else {})
        item.update({"n": self.number()} if self.chance(0.5) else {})
        return item

    def index_text(self, options: Any) -> dict[str, Any]:
        return self.value() if self.oddly(0.4) else {"S": self.rng.choice(options)}

    def finish(self, request: dict[str, Any]) -> dict[str, Any]:
        """Add the names and values that the expressions used, now and then one too many."""
        if self.oddly(0.15):
            self.names["#unused"] = "unused"
        if self.oddly(0.15):
            self.values[":unused"] = {"S": "unused"}
        if self.names:
            request["ExpressionAttributeNames"] = dict(self.names)
        if self.values:
            request["ExpressionAttributeValues"] = dict(self.values)
        self.names, self.values = {}, {}
        return request

    def _conditioned(self, request: dict[str, Any], share: float) -> dict[str, Any]:
        if self.chance(share):
            request["ConditionExpression"] = self.condition(1)
            if self.chance(0.5):
                request["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        return request

    def put(self) -> tuple[str, dict[str, Any]]:
        table = self.table()
        request = self._conditioned({"TableName": table, "Item": self.item(table)}, 0.4)
        if self.chance(0.4):
            request["ReturnValues"] = "UPDATED_NEW" if self.oddly() else "ALL_OLD"
        return "PutItem", self.finish(request)

    def delete(self) -> tuple[str, dict[str, Any]]:
        table = self.table()
        request = self._conditioned({"TableName": table, "Key": self.key(table)}, 0.4)
        if self.chance(0.5):
            request["ReturnValues"] = "ALL_OLD"
        return "DeleteItem", self.finish(request)

    def update(self) -> tuple[str, dict[str, Any]]:
        table = self.table()
        request: dict[str, Any] = {"TableName": table, "Key": self.key(table)}
        if self.chance(0.97):
            request["UpdateExpression"] = self.update_expression()
        self._conditioned(request, 0.3)
        if self.chance(0.6):
            request["ReturnValues"] = self.rng.choice(RETURNS)
        return "UpdateItem", self.finish(request)

    def get(self) -> tuple[str, dict[str, Any]]:
        table = self.table()
        request: dict[str, Any] = {"TableName": table, "Key": self.key(table), "ConsistentRead": self.chance(0.5)}
        if self.chance(0.4):
            request["ProjectionExpression"] = self.projection()
        return "GetItem", self.finish(request)

    def batch_get(self) -> tuple[str, dict[str, Any]]:
        parts: dict[str, Any] = {}
        for table in self.rng.sample((MAIN, NUMBERS), self.rng.randint(1, 2)):
            keys = [self.key(table) for _ in range(self.rng.randint(1, 4))]
            part: dict[str, Any] = {"Keys": keys if self.oddly() else _distinct(keys)}
            part["ConsistentRead"] = self.chance(0.5)
            if self.chance(0.3):
                part["ProjectionExpression"] = self.projection()
                part.update({"ExpressionAttributeNames": dict(self.names)} if self.names else {})
                self.names = {}
            parts[table] = part
        return "BatchGetItem", {"RequestItems": parts}

    def batch_write(self) -> tuple[str, dict[str, Any]]:
        parts = []
        met: set[str] = set()
        for _ in range(self.rng.randint(1, 5)):
            item = self.item(MAIN)
            mark = str((item.get("pk"), item.get("sk")))
            if mark in met and not self.oddly():
                continue
            met.add(mark)
            key = {name: item[name] for name in ("pk", "sk") if name in item}
            parts.append({"PutRequest": {"Item": item}} if self.chance(0.7) else {"DeleteRequest": {"Key": key}})
        return "BatchWriteItem", {"RequestItems": {MAIN: parts}}

    def query(self) -> tuple[str, dict[str, Any]]:
        rng = self.rng
        index = rng.choice((None, None, INDEX, SPARSE, COPY))
        table = NUMBERS if index == COPY else MAIN
        hash_name, range_name = {
            None: ("pk", "sk"),
            INDEX: ("board", "order"),
            SPARSE: ("n", ""),
            COPY: ("group", "at"),
        }[index]
        hashes = {"pk": ("p", "q"), "board": ("x", "y"), "group": ("g", "h"), "n": NUMBERS_USED}[hash_name]
        kind = "N" if hash_name == "n" else "S"
        text = f"{self.alias(hash_name)} = {self.placeholder({kind: rng.choice(hashes)})}"
        if range_name and self.chance(0.6):
            text += " AND " + self._range(range_name)
        request: dict[str, Any] = {"TableName": table, "KeyConditionExpression": text}
        if index:
            request["IndexName"] = index
        elif self.chance(0.5):
            request["ConsistentRead"] = True
        if self.oddly(0.2):
            request["ConsistentRead"] = True
        if self.chance(0.4):
            request["ScanIndexForward"] = self.chance(0.5)
        return "Query", self._paged(request)

    def _range(self, name: str) -> str:
        rng = self.rng

        def operand() -> str:
            if self.oddly(0.2):
                return self.placeholder(self.value())
            return self.placeholder(
                {"N": rng.choice(NUMBERS_USED)} if name == "at" else {"S": rng.choice(("1", "2", "a", "ab", "b"))}
            )

        kind = rng.randrange(4)
        shown = self.alias(name)
        if kind == 0:
            return f"{shown} BETWEEN {operand()} AND {operand()}"
        if kind == 1 and (name != "at" or self.oddly()):
            return f"begins_with({shown}, {operand()})"
        signs = ("=", "<", "<=", ">", ">=", "<>" if self.oddly(0.3) else "=")
        return f"{shown} {rng.choice(signs)} {operand()}"

    def _paged(self, request: dict[str, Any]) -> dict[str, Any]:
        if self.chance(0.3):
            request["FilterExpression"] = self.condition(1)
        if self.chance(0.3):
            request["Limit"] = self.rng.randint(0 if self.oddly(0.2) else 1, 4)
        if self.chance(0.2):
            request["Select"] = "COUNT"
        elif self.chance(0.2) and request.get("IndexName") != INDEX:
            request["ProjectionExpression"] = self.projection()
        return self.finish(request)

    def scan(self) -> tuple[str, dict[str, Any]]:
        request: dict[str, Any] = {"TableName": self.table(), "ConsistentRead": self.chance(0.5)}
        if self.chance(0.5):
            request["FilterExpression"] = self.condition(1)
        return "Scan", self.finish(request)

    def transact_write(self) -> tuple[str, dict[str, Any]]:
        items: list[dict[str, Any]] = []
        met: set[str] = set()
        for _ in range(self.rng.randint(1, 4)):
            table = MAIN if self.chance(0.8) else NUMBERS
            kind = self.rng.choice(("Put", "Update", "Update", "Delete", "ConditionCheck"))
            inner: dict[str, Any] = {"TableName": table}
            if kind == "Put":
                inner["Item"] = self.item(table)
            else:
                inner["Key"] = self.key(table)
            parts = inner["Key"] if "Key" in inner else inner["Item"]
            where = {name: value for name, value in parts.items() if name in ("pk", "sk", "id")}
            if str(where) in met and not self.oddly():
                continue
            met.add(str(where))
            if kind == "Update":
                inner["UpdateExpression"] = self.update_expression()
            self._conditioned(inner, 1.0 if kind == "ConditionCheck" else 0.3)
            items.append({kind: self.finish(inner)})
        return "TransactWriteItems", {"TransactItems": items}

    def transact_get(self) -> tuple[str, dict[str, Any]]:
        keys = _distinct([self.key(MAIN) for _ in range(self.rng.randint(1, 4))])
        items = []
        for key in keys:
            inner: dict[str, Any] = {"TableName": MAIN, "Key": key}
            if self.chance(0.3):
                inner["ProjectionExpression"] = self.projection()
            items.append({"Get": self.finish(inner) if self.names else inner})
        self.values = {}
        return "TransactGetItems", {"TransactItems": items}


def _distinct(keys: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return list({str(key): key for key in keys}.values())
