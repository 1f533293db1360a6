"""The grammar of DynamoDB's expressions: text -> tree. Trees are cached; placeholders are bound per request.

Nodes are tuples: ("path", parts), ("value", ":v"), ("size", path), ("compare", op, a, b),
("between", a, low, high), ("in", a, options), ("and"|"or", a, b), ("not", a), ("call", name, args) and, in
updates, ("plus"|"minus", a, b), ("if_not_exists", path, a), ("list_append", a, b).
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from .errors import Invalid

Node = tuple[Any, ...]
MAX_EXPRESSION_BYTES = 4096
MAX_IN_OPTIONS = 100
RESERVED = frozenset(Path(__file__).with_name("reserved.txt").read_text().split())
CONDITION_FUNCTIONS = {
    "attribute_exists": 1,
    "attribute_not_exists": 1,
    "attribute_type": 2,
    "begins_with": 2,
    "contains": 2,
}
COMPARATORS = {"=", "<>", "<", "<=", ">", ">="}
_TOKEN = re.compile(
    r"\s*(?:(?P<name>[A-Za-z][A-Za-z0-9_]*)|(?P<alias>#[A-Za-z0-9_]+)|(?P<value>:[A-Za-z0-9_]+)"
    r"|(?P<number>[0-9]+)|(?P<sign><>|<=|>=|[=<>()\[\],.+-]))"
)


class Parser:
    """One recursive descent over one expression."""

    def __init__(self, text: str, what: str) -> None:
        self.what = what
        if not text or not text.strip():
            raise self.error("The expression can not be empty;")
        if len(text.encode()) > MAX_EXPRESSION_BYTES:
            raise self.error("Expression size has exceeded the maximum allowed size;")
        self.text = text
        self.tokens = self._tokens(text)
        self.at = 0
        self.aliases: set[str] = set()
        self.values: set[str] = set()

    def error(self, reason: str) -> Invalid:
        return Invalid(f"Invalid {self.what}: {reason}")

    def _tokens(self, text: str) -> list[tuple[str, str]]:
        found, at, end = [], 0, len(text.rstrip())
        while at < end:
            match = _TOKEN.match(text, at)
            if match is None:
                raise self.error(f'Syntax error; token: "{text[at]}", near: "{text[at : at + 8]}"')
            found.append((str(match.lastgroup), match.group(str(match.lastgroup))))
            at = match.end()
        return [*found, ("end", "<EOF>")]

    def peek(self) -> str:
        return self.tokens[self.at][1]

    def kind(self) -> str:
        return self.tokens[self.at][0]

    def take(self) -> str:
        token = self.tokens[self.at][1]
        self.at += 1
        return token

    def unexpected(self) -> Invalid:
        near = " ".join(text for _, text in self.tokens[max(0, self.at - 1) : self.at + 2])
        return self.error(f'Syntax error; token: "{self.peek()}", near: "{near}"')

    def expect(self, sign: str) -> None:
        if self.take() != sign:
            self.at -= 1
            raise self.unexpected()

    def keyword(self) -> str:
        return self.peek().upper() if self.kind() == "name" else ""

    def finish(self) -> None:
        if self.kind() != "end":
            raise self.unexpected()

    # operands

    def path(self) -> Node:
        parts: list[str | int] = [self.name()]
        while self.peek() in (".", "["):
            if self.take() == ".":
                parts.append(self.name())
            else:
                if self.kind() != "number":
                    raise self.unexpected()
                parts.append(int(self.take()))
                self.expect("]")
        return ("path", tuple(parts))

    def name(self) -> str:
        kind = self.kind()
        if kind == "alias":
            self.aliases.add(self.peek())
        elif kind != "name":
            raise self.unexpected()
        elif self.peek().upper() in RESERVED:
            raise self.error(f"Attribute name is a reserved keyword; reserved keyword: {self.peek()}")
        return self.take()

    def value(self) -> Node:
        self.values.add(self.peek())
        return ("value", self.take())

    def operand(self) -> Node:
        if self.peek() == "(":
            self.take()
            inner = self.operand()
            self.expect(")")
            return inner
        if self.kind() == "value":
            return self.value()
        if self.kind() == "name" and self.tokens[self.at + 1][1] == "(":
            name = self.take()
            if name != "size":
                raise self.error(f"Invalid function name; function: {name}")
            self.expect("(")
            inner = self.operand()
            self.expect(")")
            return ("size", inner)
        return self.path()

    # conditions

    def condition(self) -> Node:
        node = self.conjunction()
        while self.keyword() == "OR":
            self.take()
            node = ("or", node, self.conjunction())
        return node

    def conjunction(self) -> Node:
        node = self.negation()
        while self.keyword() == "AND":
            self.take()
            node = ("and", node, self.negation())
        return node

    def negation(self) -> Node:
        if self.keyword() == "NOT":
            self.take()
            return ("not", self.negation())
        if self.peek() == "(":
            back = self.at
            self.take()
            if self._is_operand_in_parentheses(back):
                self.at = back
                return self.comparison()
            redundant = self.peek() == "("
            inner_start = self.at
            node = self.condition()
            if redundant and self._closes(inner_start) == self.at - 1:
                raise self.error("The expression has redundant parentheses;")
            self.expect(")")
            return node
        return self.comparison()

    def _closes(self, opening: int) -> int:
        depth = 0
        for index in range(opening, len(self.tokens)):
            text = self.tokens[index][1]
            depth += (text == "(") - (text == ")")
            if depth == 0:
                return index
        return -1

    def _is_operand_in_parentheses(self, opening: int) -> bool:
        close = self._closes(opening)
        if close < 0:
            return False
        after = self.tokens[close + 1]
        return after[1] in COMPARATORS or after[1].upper() in ("BETWEEN", "IN")

    def comparison(self) -> Node:
        if self.kind() == "name" and self.tokens[self.at + 1][1] == "(" and self.peek() != "size":
            return self.call()
        left = self.operand()
        if self.peek() in COMPARATORS:
            sign = self.take()
            return ("compare", sign, left, self.operand())
        word = self.keyword()
        if word == "BETWEEN":
            self.take()
            low = self.operand()
            if self.keyword() != "AND":
                raise self.unexpected()
            self.take()
            return ("between", left, low, self.operand())
        if word == "IN":
            self.take()
            return ("in", left, self.options())
        raise self.unexpected()

    def options(self) -> tuple[Node, ...]:
        self.expect("(")
        found = [self.operand()]
        while self.peek() == ",":
            self.take()
            found.append(self.operand())
        self.expect(")")
        if len(found) > MAX_IN_OPTIONS:
            raise self.error("Too many operands for IN; operator or function: IN")
        return tuple(found)

    def call(self) -> Node:
        name = self.take()
        if name not in CONDITION_FUNCTIONS:
            raise self.error(f"Invalid function name; function: {name}")
        args = self.options()
        if len(args) != CONDITION_FUNCTIONS[name]:
            raise self.error(
                f"Incorrect number of operands for operator or function; operator or function: {name}, "
                f"number of operands: {len(args)}"
            )
        if args[0][0] != "path" and name.endswith("exists"):
            raise self.error(f"Operator or function requires a document path; operator or function: {name}")
        return ("call", name, args)


class Parsed:
    """A tree with the placeholders it uses (`aliases`: #names, `values`: :values)."""

    __slots__ = ("aliases", "compiled", "tree", "values", "what")

    def __init__(self, tree: Any, parser: Parser) -> None:
        self.tree, self.what = tree, parser.what
        self.aliases, self.values = frozenset(parser.aliases), frozenset(parser.values)
        self.compiled: Any = None


@lru_cache(maxsize=4096)
def parse_condition(text: str, what: str) -> Parsed:
    parser = Parser(text, what)
    tree = parser.condition()
    parser.finish()
    return Parsed(tree, parser)


@lru_cache(maxsize=4096)
def parse_projection(text: str) -> Parsed:
    parser = Parser(text, "ProjectionExpression")
    paths = [parser.path()[1]]
    while parser.peek() == ",":
        parser.take()
        paths.append(parser.path()[1])
    parser.finish()
    return Parsed(tuple(paths), parser)
