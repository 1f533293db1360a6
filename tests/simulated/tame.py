"""Requests of the kind that production sends: every attribute keeps its type, every expression fits."""

from __future__ import annotations

import re
from typing import Any

from .drawing import NUMBERS_USED
from .generator import Generator

SIMPLE = ("a", "b", "x")


class Tame(Generator):
    """Draws only requests that AWS accepts (or refuses because a condition does not hold)."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed, odd=0.0)

    def number(self) -> dict[str, str]:
        return {"N": self.rng.choice(NUMBERS_USED)}

    def key(self, table: str) -> dict[str, Any]:
        key = super().key(table)
        return {"id": {"N": key["id"]["N"].removesuffix(".0")}} if "id" in key else key

    def attribute(self, name: str) -> dict[str, Any]:
        """Return a value of the type that the attribute always has."""
        rng = self.rng
        if name in (*SIMPLE, "n"):
            return self.number()
        if name == "ss":
            return {"SS": self.some(("a", "b", "c", "é"))}
        if name == "ns":
            return {"NS": self.some(("1", "2", "3.5", "-4"))}
        if name == "flag":
            return {"BOOL": self.chance(0.5)}
        if name == "l":
            return {"L": [self.number() for _ in range(rng.randrange(4))]}
        if name == "m":
            members = {k: self.number() for k in rng.sample(("a", "b"), rng.randrange(3))}
            return {"M": {**members, "s": self.text()}}
        return self.text()

    def item(self, table: str) -> dict[str, Any]:
        item = super().item(table)
        return {
            name: value if name in ("pk", "sk", "id", "board", "order", "group", "at") else self.attribute(name)
            for name, value in item.items()
        }

    def condition(self, depth: int = 0) -> str:
        rng = self.rng
        kind = rng.randrange(10 if depth < 3 else 7)
        if kind in (0, 1, 3, 4):
            number = self.alias(rng.choice((*SIMPLE, "m.a", "l[0]")))
        if kind < 2:
            sign = rng.choice(("=", "<>", "<", "<=", ">", ">="))
            return f"{number} {sign} {self.placeholder(self.number())}"
        if kind == 2:
            name = rng.choice(("pk", "a", "board", "m.s", "l[1]", "n"))
            return f"attribute_{rng.choice(('exists', 'not_exists'))}({self.alias(name)})"
        if kind == 3:
            low, high = sorted((self.number(), self.number()), key=lambda value: float(value["N"]))
            return f"{number} BETWEEN {self.placeholder(low)} AND {self.placeholder(high)}"
        if kind == 4:
            options = ", ".join(self.placeholder(self.number()) for _ in range(rng.randint(1, 3)))
            return f"{number} IN ({options})"
        if kind == 5:
            if self.chance(0.5):
                return f"begins_with({self.alias('s')}, {self.placeholder({'S': rng.choice('ab')})})"
            return f"contains({self.alias('ss')}, {self.placeholder({'S': rng.choice('abc')})})"
        if kind == 6:
            return f"size({self.alias(rng.choice(('l', 'ss', 'm')))}) > {self.placeholder({'N': '1'})}"
        if kind == 7:
            return f"NOT ({self.condition(depth + 1)})"
        left, right = self.condition(depth + 1), self.condition(depth + 1)
        return f"({left}) {rng.choice(('AND', 'OR'))} ({right})"

    def alias(self, name: str) -> str:
        head, dot, rest = name.partition(".")
        if dot:
            return f"{super().alias(head)}.{rest}"
        if name.endswith("]"):
            return f"{super().alias(name[0])}{name[1:]}"
        return super().alias(name)

    def update_expression(self) -> str:
        """Return an update expression that touches each attribute at most once."""
        rng = self.rng
        clauses: dict[str, list[str]] = {}
        names = rng.sample(("a", "b", "x", "s", "m", "l", "ss", "ns", "flag", "n", "board", "order"), rng.randint(1, 4))
        for name in names:
            clause, text = self._fitting(name)
            clauses.setdefault(clause, []).append(text)
        return " ".join(f"{clause} {', '.join(parts)}" for clause, parts in clauses.items())

    def _fitting(self, name: str) -> tuple[str, str]:
        rng, target = self.rng, self.alias(name)
        if self.chance(0.15):
            return "REMOVE", target
        if name in ("board", "order"):
            return "SET", f"{target} = {self.placeholder({'S': rng.choice('xy' if name == 'board' else '123')})}"
        if name in (*SIMPLE, "n") and self.chance(0.7):
            if self.chance(0.5):
                return "ADD", f"{target} {self.placeholder(self.number())}"
            start = self.placeholder({"N": "0"})
            change = f"if_not_exists({target}, {start}) {rng.choice('+-')} {self.placeholder(self.number())}"
            return "SET", f"{target} = {change}"
        if name in ("ss", "ns") and self.chance(0.7):
            return rng.choice(("ADD", "DELETE")), f"{target} {self.placeholder(self.attribute(name))}"
        if name == "l" and self.chance(0.5):
            empty = self.placeholder({"L": []})
            more = self.placeholder(self.attribute("l"))
            return "SET", f"{target} = list_append(if_not_exists({target}, {empty}), {more})"
        return "SET", f"{target} = {self.placeholder(self.attribute(name))}"

    def projection(self) -> str:
        names = self.rng.sample(("a", "s", "m.a", "l[0]", "ss", "pk"), self.rng.randint(1, 3))
        return ", ".join(self.alias(name) for name in names)

    def _paged(self, request: dict[str, Any]) -> dict[str, Any]:
        index = request.get("IndexName")
        answer = super()._paged(request)
        if index is None:
            return answer
        # An index may lack what a filter or a projection names.
        for name in ("FilterExpression", "ProjectionExpression"):
            answer.pop(name, None)
        used = answer["KeyConditionExpression"]
        for kind in ("ExpressionAttributeNames", "ExpressionAttributeValues"):
            kept = {name: value for name, value in answer.get(kind, {}).items() if name in re.findall(r"[#:]\w+", used)}
            answer.pop(kind, None)
            answer.update({kind: kept} if kept else {})
        return answer
