"""IAM in process: the requests of a role are held against its policy document, as AWS does before it performs them.

It knows the statements that Laurel has: they allow named actions on named resources, on condition of leading keys.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

Json = dict[str, Any]
LEADING_KEYS = "dynamodb:LeadingKeys"
# Part of a transaction -> its action.
_PARTS = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
    "Get": "GetItem",
}
_REFERENCE = re.compile(r"\$\{(\w+)\.Arn\}")
_PLACEHOLDER = re.compile(r"(\S+)\s*=\s*(:\w+)")


class NotAllowed(AssertionError):
    """A role sent a request that its policy does not allow."""


class Asked(NamedTuple):
    """A permission that a request needs: an action on a resource. `keys`: the partition keys that it names, if any."""

    action: str
    resource: str
    keys: tuple[str, ...] | None = None


class Grant(NamedTuple):
    """A part of a permission: an action on a resource and, on condition of leading keys, on one pattern of them."""

    action: str
    resource: str
    pattern: str = ""


class Patterns:
    """The leading keys that a statement allows, as patterns: `*` stands for any text, `?` for any character."""

    def __init__(self, patterns: list[str]) -> None:
        self.patterns = patterns
        self._like = [
            re.compile(re.escape(each).replace(r"\*", ".*").replace(r"\?", "."), re.DOTALL) for each in patterns
        ]
        self._known: dict[str, str | None] = {}

    def match(self, key: str) -> str | None:
        """Return the pattern that matches a key."""
        if key not in self._known:
            pairs = zip(self.patterns, self._like, strict=True)
            self._known[key] = next((pattern for pattern, like in pairs if like.fullmatch(key)), None)
        return self._known[key]


class Policy:
    """A role's policy. `resources`: logical id -> the resource's name in the world. `used`: grants that were needed.

    Raises ValueError for a document that it cannot judge.
    """

    def __init__(self, document: Json, resources: Mapping[str, str]) -> None:
        self.resources = resources
        self.used: Counter[Grant] = Counter()
        # (action, resource) -> of each statement that names them, its patterns of leading keys; None for any keys.
        self._statements: dict[tuple[str, str], list[Patterns | None]] = {}
        for statement in document["Statement"]:
            self._read(statement)

    def _read(self, statement: Json) -> None:
        if statement["Effect"] != "Allow" or set(statement) - {"Sid", "Effect", "Action", "Resource", "Condition"}:
            raise ValueError(f"cannot judge {statement}")
        patterns = _patterns(statement.get("Condition", {}))
        for action in statement["Action"]:
            for resource in statement["Resource"]:
                self._statements.setdefault((action, self._name(resource)), []).append(patterns)

    def _name(self, resource: Any) -> str:
        """Return the resource's name in the world, or its text if it is not in the world."""
        if isinstance(resource, str):
            return resource
        ((function, value),) = resource.items()
        if function == "Fn::GetAtt":
            return self.resources[value[0]]
        return _REFERENCE.sub(lambda found: self.resources[found[1]], value)

    @property
    def grants(self) -> set[Grant]:
        """Return everything that the policy allows."""
        return {
            Grant(action, resource, pattern)
            for (action, resource), statements in self._statements.items()
            for patterns in statements
            for pattern in ([""] if patterns is None else patterns.patterns)
        }

    def hold(self, role: str, asked: Iterable[Asked]) -> None:
        """Raise NotAllowed unless everything asked is allowed."""
        for each in asked:
            if not self.allows(each):
                keys = "" if each.keys is None else f" with leading keys {', '.join(each.keys)}"
                raise NotAllowed(f"{role} may not {each.action} on {each.resource}{keys}")

    def allows(self, asked: Asked) -> bool:
        """Return whether a statement allows it, and note the grants that it needs."""
        for patterns in self._statements.get((asked.action, asked.resource), ()):
            # ForAllValues holds without any value: Null refuses a request without keys.
            found = [""] if patterns is None else [patterns.match(key) for key in asked.keys or ()]
            if found and None not in found:
                self.used.update(Grant(asked.action, asked.resource, each) for each in found if each is not None)
                return True
        return False


def asked_of(service: str, operation: str, request: Json) -> list[Asked]:
    """Return what AWS asks of the sender's policy before it performs a request.

    The keys of a transaction are those of all its parts, for each of its actions: AWS does not document whether an
    action is held against the keys of its own parts only.
    """
    if service == "sqs":
        return [Asked(f"sqs:{operation.removesuffix('Batch')}", request["QueueUrl"].rsplit("/", 1)[-1])]
    if service == "events":
        return [Asked("events:PutEvents", name) for name in {entry["EventBusName"] for entry in request["Entries"]}]
    if operation.startswith("Transact"):
        return list(_transaction(request["TransactItems"]))
    if operation == "BatchGetItem":
        return [_item("BatchGetItem", table, part["Keys"]) for table, part in request["RequestItems"].items()]
    if operation in ("Query", "Scan"):
        table, index = f"table/{request['TableName']}", request.get("IndexName")
        resource = f"{table}/index/{index}" if index else table
        return [Asked(f"dynamodb:{operation}", resource, (_hash(request),) if operation == "Query" else None)]
    return [_item(operation, request["TableName"], [request.get("Key") or request["Item"]])]


def _transaction(parts: list[Json]) -> Iterator[Asked]:
    tables: dict[str, dict[str, list[Json]]] = {}
    for part in parts:
        ((kind, inner),) = part.items()
        actions = tables.setdefault(inner["TableName"], {})
        actions.setdefault(_PARTS[kind], []).append(inner.get("Key") or inner["Item"])
    for table, actions in tables.items():
        keys = [key for each in actions.values() for key in each]
        yield from (_item(action, table, keys) for action in actions)


def _item(action: str, table: str, keys: list[Json]) -> Asked:
    return Asked(f"dynamodb:{action}", f"table/{table}", tuple(dict.fromkeys(key["pk"]["S"] for key in keys)))


def _hash(request: Json) -> str:
    """Return the partition key of a query, which its condition names first."""
    found = _PLACEHOLDER.match(request["KeyConditionExpression"])
    assert found, request["KeyConditionExpression"]
    key: str = request["ExpressionAttributeValues"][found[2]]["S"]
    return key


def _patterns(condition: Json) -> Patterns | None:
    """Return the patterns of a statement's leading keys, None for a statement without a condition."""
    if not condition:
        return None
    expected = {"ForAllValues:StringLike", "Null"}
    if set(condition) != expected or condition["Null"] != {LEADING_KEYS: "false"}:
        raise ValueError(f"cannot judge the condition {condition}")
    ((name, patterns),) = condition["ForAllValues:StringLike"].items()
    if name != LEADING_KEYS:
        raise ValueError(f"cannot judge the condition {condition}")
    return Patterns(patterns)
