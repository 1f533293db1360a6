"""Random values, names and expressions, with a share of mistakes."""

from __future__ import annotations

import base64
import random
from typing import Any

NAMES = ("a", "b", "s", "m", "l", "ss", "ns", "flag", "x")
NUMBERS_USED = ("0", "1", "2", "-1", "7", "10", "100", "1.5", "-0.25", "12345", "1e3", "0.001")
BAD_NUMBERS = ("", "abc", "1e200", "123456789012345678901234567890123456789", "NaN", " 1")
TEXTS = ("", "a", "ab", "b", "é", "zz", "player")


class Drawing:
    """Draws from one seed. `odd` is the share of what gets something wrong on purpose."""

    def __init__(self, seed: int, odd: float) -> None:
        self.rng = random.Random(seed)
        self.odd = odd
        self.names: dict[str, str] = {}
        self.values: dict[str, Any] = {}

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


def _binary(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
