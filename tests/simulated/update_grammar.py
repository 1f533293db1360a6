"""The grammar of update expressions, on top of the one of paths and operands."""

from __future__ import annotations

from functools import lru_cache

from .parser import Node, Parsed, Parser


def _update_operand(parser: Parser) -> Node:
    if parser.kind() == "value":
        return parser.value()
    if parser.peek() == "(":
        parser.take()
        inner = _update_value(parser)
        parser.expect(")")
        return inner
    if parser.kind() == "name" and parser.tokens[parser.at + 1][1] == "(":
        name = parser.take()
        if name not in ("if_not_exists", "list_append"):
            raise parser.error(f"Invalid function name; function: {name}")
        parser.expect("(")
        first = _update_operand(parser)
        parser.expect(",")
        second = _update_operand(parser)
        parser.expect(")")
        if name == "if_not_exists" and first[0] != "path":
            raise parser.error(f"Operator or function requires a document path; operator or function: {name}")
        return (name, first, second)
    return parser.path()


def _update_value(parser: Parser) -> Node:
    left = _update_operand(parser)
    if parser.peek() in ("+", "-"):
        sign = parser.take()
        return ("plus" if sign == "+" else "minus", left, _update_operand(parser))
    return left


def _clause_item(parser: Parser, clause: str) -> Node:
    path = parser.path()[1]
    if clause == "SET":
        parser.expect("=")
        return (clause, path, _update_value(parser))
    if clause == "REMOVE":
        return (clause, path, None)
    if parser.kind() != "value":
        raise parser.unexpected()
    return (clause, path, parser.value())


@lru_cache(maxsize=4096)
def parse_update(text: str) -> Parsed:
    """Return the tree of an update: a tuple of (clause, path, operand)."""
    parser = Parser(text, "UpdateExpression")
    actions: list[Node] = []
    clauses: set[str] = set()
    while parser.kind() != "end":
        clause = parser.keyword()
        if clause not in ("SET", "REMOVE", "ADD", "DELETE"):
            raise parser.unexpected()
        if clause in clauses:
            raise parser.error(f'The "{clause}" section can only be used once in an update expression;')
        clauses.add(clause)
        parser.take()
        actions.append(_clause_item(parser, clause))
        while parser.peek() == ",":
            parser.take()
            actions.append(_clause_item(parser, clause))
    return Parsed(tuple(actions), parser)
