"""Random requests, valid and not, over a small key space: what `differential` sends to two engines."""

from __future__ import annotations

import base64
import random
from typing import Any

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
NAMES = ("a", "b", "s", "m", "l", "ss", "ns", "flag", "x")
NUMBERS_USED = ("0", "1", "2", "-1", "7", "10", "100", "1.5", "-0.25", "12345", "1e3", "0.001")
BAD_NUMBERS = ("", "abc", "1e200", "123456789012345678901234567890123456789", "NaN", " 1")
TEXTS = ("", "a", "ab", "b", "é", "zz", "player")
RETURNS = ("NONE", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW")


class Generator:
    """Draws requests from one seed. `odd` is the share of requests that get something wrong on purpose."""

    def __init__(self, seed: int, odd: float = 0.12) -> None:
        self.rng = random.Random(seed)
        self.odd = odd
        self.names: dict[str, str] = {}
        self.values: dict[str, Any] = {}

    def request(self) -> tuple[str, dict[str, Any]]:
        """An operation and its request."""
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

    # values and names

    def chance(self, share: float) -> bool:
        return self.rng.random() < share

    def oddly(self, share: float = 1.0) -> bool:
        return self.rng.random() < self.odd * share

    def number(self) -> dict[str, str]:
        return {"N": self.rng.choice(BAD_NUMBERS if self.oddly(0.15) else NUMBERS_USED)}

    def text(self) -> dict[str, str]:
        if self.chance(0.04):
            return {"S": "x" * self.rng.choice((900, 1000, 1010, 1020, 2000, 4000, 4090))}
        return {"S": self.rng.choice(TEXTS)}

    def value(self, depth: int = 0) -> dict[str, Any]:
        rng = self.rng
        kind = rng.randrange(10 if depth < 2 else 5)
        if kind < 2:
            return self.number()
        if kind < 4:
            return self.text()
        if kind == 4:
            return rng.choice(({"BOOL": True}, {"BOOL": False}, {"NULL": True}, {"B": _binary(rng.choice(TEXTS))}))
        if kind == 5:
            return {"SS": self.some(("a", "b", "c", "é"))}
        if kind == 6:
            return {"NS": self.some(("1", "2", "3.5", "-4"))}
        if kind == 7:
            return {"L": [self.value(depth + 1) for _ in range(rng.randrange(4))]}
        return {"M": {rng.choice(NAMES): self.value(depth + 1) for _ in range(rng.randrange(4))}}

    def some(self, options: tuple[str, ...]) -> list[str]:
        if self.oddly(0.2):
            return self.rng.choice(([], ["1", "1"]))
        return self.rng.sample(options, self.rng.randint(1, len(options)))

    def alias(self, name: str) -> str:
        if name in ("order", "group", "at") or self.chance(0.5):
            alias = f"#{name}"
            if not self.oddly(0.1):
                self.names[alias] = name
            return alias
        return name

    def placeholder(self, value: dict[str, Any]) -> str:
        name = f":v{len(self.values)}"
        if not self.oddly(0.1):
            self.values[name] = value
        return name

    def path(self) -> str:
        name = self.rng.choice((*NAMES, "n", "board", "order", "pk"))
        text = self.alias(name)
        # Nothing lies below a key; asked for too often it would hide everything else.
        deep = name in NAMES or self.oddly(0.1)
        for _ in range(self.rng.choice((0, 0, 0, 1, 2)) if deep else 0):
            text += self.rng.choice((".a", ".b", ".s", "[0]", "[1]", "[5]"))
        return text

    # expressions

    def operand(self) -> str:
        draw = self.rng.random()
        if draw < 0.5:
            return self.path()
        return f"size({self.path()})" if draw < 0.6 else self.placeholder(self.value())

    def condition(self, depth: int = 0) -> str:
        rng = self.rng
        kind = rng.randrange(12 if depth < 3 else 9)
        if kind < 3:
            sign = rng.choice(("=", "<>", "<", "<=", ">", ">="))
            return f"{self.path()} {sign} {self.operand()}"
        if kind == 3:
            return f"attribute_exists({self.path()})"
        if kind == 4:
            return f"attribute_not_exists({self.path()})"
        if kind == 5:
            return f"{self.path()} BETWEEN {self.operand()} AND {self.operand()}"
        if kind == 6:
            options = ", ".join(self.operand() for _ in range(rng.randint(1, 3)))
            return f"{self.path()} IN ({options})"
        if kind == 7:
            return f"{rng.choice(('begins_with', 'contains'))}({self.path()}, {self.operand()})"
        if kind == 8:
            types = ("S", "N", "M", "L", "SS", "BOOL", "NULL", "wrong" if self.oddly() else "B")
            return f"attribute_type({self.path()}, {self.placeholder({'S': rng.choice(types)})})"
        if kind == 9:
            return f"NOT {self.condition(depth + 1)}"
        joint = rng.choice((" AND ", " OR "))
        left, right = self.condition(depth + 1), self.condition(depth + 1)
        return f"({left}){joint}{right}" if self.chance(0.5) else f"{left}{joint}{right}"

    def update_expression(self) -> str:
        rng = self.rng
        clauses = rng.sample(("SET", "REMOVE", "ADD", "DELETE"), rng.choice((1, 1, 1, 2, 3)))
        text = ""
        for clause in clauses:
            parts = [self._action(clause) for _ in range(rng.choice((1, 1, 2, 3)))]
            text += f"{clause} {', '.join(parts)} "
        return text + ("SET" if self.oddly(0.1) else "")

    def _target(self) -> str:
        if self.oddly(0.3):
            return self.alias(self.rng.choice(("pk", "sk", "id")))
        return self.path() if self.chance(0.8) else self.alias(self.rng.choice(("n", "board", "order")))

    def _action(self, clause: str) -> str:
        rng, target = self.rng, self._target()
        if clause == "REMOVE":
            return target
        if clause == "ADD":
            value = self.number() if self.chance(0.6) else self.value()
            return f"{target} {self.placeholder(value)}"
        if clause == "DELETE":
            return (
                f"{target} {self.placeholder({'SS': self.some(('a', 'b', 'c'))} if self.chance(0.7) else self.value())}"
            )
        draw = rng.random()
        if draw < 0.5:
            return f"{target} = {self.placeholder(self.value())}"
        if draw < 0.65:
            other = self.placeholder(self.number())
            return f"{target} = {self.path()} {rng.choice('+-')} {other}"
        if draw < 0.8:
            zero = self.placeholder({"N": "0"})
            return f"{target} = if_not_exists({self.path()}, {zero}) + {self.placeholder(self.number())}"
        if draw < 0.9:
            return f"{target} = list_append({self.path()}, {self.placeholder({'L': [self.value(1)]})})"
        return f"{target} = {self.path()}"

    def projection(self) -> str:
        return ", ".join(self.path() for _ in range(self.rng.randint(1, 3)))

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
        """Adds the names and values that the expressions used, now and then one too many."""
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
        seen: set[str] = set()
        for _ in range(self.rng.randint(1, 5)):
            item = self.item(MAIN)
            mark = str((item.get("pk"), item.get("sk")))
            if mark in seen and not self.oddly():
                continue
            seen.add(mark)
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
        seen: set[str] = set()
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
            if str(where) in seen and not self.oddly():
                continue
            seen.add(str(where))
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


def _binary(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
