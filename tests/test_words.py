"""Language rules: no retired words in names, docstrings, messages and pages; docstrings say what a thing does."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# Packages and modules without a retired word, except this module, which lists and tests the words.
CLEAN = (
    "chalicelib/api",
    "chalicelib/cli",
    "chalicelib/domain",
    "chalicelib/gateways",
    "chalicelib/observability.py",
    "chalicelib/retry.py",
    "chalicelib/services",
    "chalicelib/settings.py",
    "chalicelib/store",
    "chalicelib/wiring.py",
    "chalicelib/workers",
    "infra",
    "tests",
)
# The pages that people read, generated ones included.
PAGES = ("*.md", "docs/**/*.md")
# The glossary lists the retired words.
NO_PAGES = {"docs/glossary.md"}
# Pattern of a retired word or phrase in docstrings, comments, messages and pages -> what to write instead.
RETIRED_TEXT = {
    r"anew": "again; refresh; recompute",
    r"as (?:it|they|things) (?:is|are|was|were|stands?)\b(?! (?:in|of|on))": "unchanged; the current state",
    r"beside": "next to; besides",
    r"by hand|a hand (?:has|that)": "manually",
    r"comes? to the same": "is equivalent; is safe",
    r"for good": "permanently",
    r"(?:goes|go|going|went) on": "continue",
    r"is no matter": "does not matter",
    r"(?:is|are|may be) gone": "was deleted; has expired",
    r"laptop": "local stack; one machine",
    r"looks? (?:again|at|through)": "check; read",
    r"make(?:s)? good": "repair; retry",
    r"mend(?:s|ed|ing)?": "repair; rewrite",
    r"likewise": "in the same way; too",
    r"nobody": "no player; no caller",
    r"(?:is|are) no more|no more(?=[.,;:])": "no longer; was deleted",
    r"owe[sd]?": "outbox",
    r"parked|set(?:s|ting)? aside": "failed; rejected",
    r"side by side": "in parallel",
    r"(?:some|any)body": "a caller; a player; an operator",
    r"tells?|told": "publish; return; show",
    r"Who|[Ww]hoever|whatever": "the caller; a player that; any",
    r"(?:is|are) (?:to be )?seen": "visible",
}
# A word of a name that a module defines -> what to write instead.
RETIRED_NAMES = {
    "anew": "refresh",
    "beside": "companion",
    "look": "check",
    "looks": "checks",
    "mend": "repair, rewrite",
    "mended": "repaired",
    "owed": "outbox",
    "parked": "failed",
    "seen": "a noun for the things",
    "tell": "publish, report",
    "told": "published, reported",
    "wanted": "requested, required",
    "who": "caller, player",
}
# First words that make a docstring's first line a riddle or an aphorism.
NOT_FIRST = re.compile(r"(?:Who|Whom|Whose|What|Whether|Which|When|Where|How|That)\b")
# A function does something: its docstring begins with a verb in the imperative.
NO_VERB = re.compile(
    r"(?:The|A|An|All|Any|Every|Each|No|Like)\b|[`(\d]|(?:Return|Yield|Make|Build|Give|Raise|Answer)s\b"
)
WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def modules() -> list[Path]:
    found = []
    for place in CLEAN:
        path = ROOT / place
        found += sorted(path.rglob("*.py")) if path.is_dir() else [path]
    return [path for path in found if path != Path(__file__)]


@cache
def source(path: Path) -> str:
    return path.read_text()


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(source(path))


def documented(path: Path) -> Iterator[tuple[Documented, str]]:
    for node in ast.walk(parsed(path)):
        if isinstance(node, Documented) and (text := ast.get_docstring(node)):
            yield node, text


def line_of(node: ast.AST) -> int:
    return getattr(node, "lineno", 1)


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (line, text) of every docstring and comment."""
    for node, text in documented(path):
        yield line_of(node), " ".join(text.split())
    for token in tokenize.generate_tokens(io.StringIO(source(path)).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def names(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (line, name) of everything that a module defines: functions, classes, parameters, variables."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield line_of(node), node.name
        elif isinstance(node, ast.arg):
            yield line_of(node), node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield line_of(node), node.id


def messages(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (line, text) of every literal of several words that is not a docstring: messages, descriptions, help."""
    docstrings = {id(node.body[0].value) for node, _ in documented(path) if isinstance(node.body[0], ast.Expr)}
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            text = " ".join(node.value.split())
            if " " in text:
                yield line_of(node), text


def pages() -> list[Path]:
    found = (path for pattern in PAGES for path in sorted(ROOT.glob(pattern)))
    return [path for path in found if str(path.relative_to(ROOT)) not in NO_PAGES]


def paragraphs(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (line, text) of every block of lines of a page, without line breaks, so that a phrase may span lines."""
    line = 1
    for block in source(path).split("\n\n"):
        yield line, " ".join(block.split())
        line += block.count("\n") + 2


def retired_in(lines: Iterator[tuple[int, str]]) -> Iterator[str]:
    for line, text in lines:
        for pattern, instead in RETIRED_TEXT.items():
            if found := re.search(rf"\b(?:{pattern})\b", text):
                yield f"{line}: '{found[0]}': write {instead}"


def retired_words(path: Path) -> Iterator[str]:
    yield from retired_in(texts(path))


def retired_in_messages(path: Path) -> Iterator[str]:
    yield from retired_in(messages(path))


def retired_names(path: Path) -> Iterator[str]:
    for line, name in names(path):
        for word in WORDS.findall(name):
            if instead := RETIRED_NAMES.get(word.lower()):
                yield f"{line}: {name}: write {instead}"


def bad_first_lines(path: Path) -> Iterator[str]:
    for node, text in documented(path):
        first = text.splitlines()[0]
        function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        # The docstring of a test is a statement: it says what holds.
        test = function and node.name.startswith("test_")
        if not first.endswith("."):
            yield f"{line_of(node)}: no full stop: {first}"
        if NOT_FIRST.match(first) or (function and not test and NO_VERB.match(first)):
            yield f"{line_of(node)}: begin with what it is, or with a verb: {first}"


def bad_questions(path: Path) -> Iterator[str]:
    """Find documented functions that return a bool and do not say "return whether"."""
    for node, text in documented(path):
        if isinstance(node, ast.FunctionDef) and node.returns and ast.unparse(node.returns) == "bool":
            first = text.split("\n\n")[0]
            if "eturn whether" not in first:
                yield f"{line_of(node)}: say 'Return whether ...': {first}"


RULES = (retired_words, retired_in_messages, retired_names, bad_first_lines, bad_questions)


@pytest.mark.parametrize("rule", RULES)
def test_clean_packages_stay_clean(rule: type[Iterator[str]]) -> None:
    assert [f"{path.relative_to(ROOT)}:{problem}" for path in modules() for problem in rule(path)] == []


def test_pages_have_no_retired_words() -> None:
    found = [f"{path.relative_to(ROOT)}:{problem}" for path in pages() for problem in retired_in(paragraphs(path))]
    assert found == []


def test_retired_words_of_a_page_are_found(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text("# A page\n\nThe client is\ntold. It is read by\nhand.\n\n| a | it costs no more than b |\n")
    assert list(retired_in(paragraphs(path))) == [
        "3: 'by hand': write manually",
        "3: 'told': write publish; return; show",
    ]


@pytest.mark.parametrize(
    ("line", "problems"),
    [
        ('raise KeyError("The client is told.")', ["told"]),
        ('raise KeyError(f"It was {1}, and is no more.")', ["is no more"]),
        ('ABOUT = "Who is private is named by public id. " "It may go " "on."', ["go on", "Who"]),
        ('ABOUT = "A player pays no more than the price."', []),
        ("# The client is told.", ["told"]),
        ("# It is read anew, by hand.", ["anew", "by hand"]),
        ("# Retries return the first response.", []),
        ("told = 1", ["told"]),
        ("def _wanted(who: int) -> int: ...", ["_wanted", "who"]),
        ("class LookUp: ...", ["LookUp"]),
        ("whose_turn, lookup = 1, 2", []),
        ('def f(): "What a commit owes the world."', ["owes", "What"]),
        ('def f(): "The balance."', ["The balance"]),
        ('def test_f(): "The balance is exact."', []),
        ('def test_f(): "What is exact."', ["What is exact"]),
        ('def f(): "Return the balance"', ["no full stop"]),
        ('def f(): "Return the balance."', []),
        ('class C: "The balance."', []),
        ('def f() -> bool: "Tell if it is open."', ["say 'Return whether"]),
        ('def f() -> bool: "Return whether it is open."', []),
    ],
)
def test_problems_are_found(line: str, problems: list[str], tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text(line + "\n")
    found = [problem for rule in RULES for problem in rule(path)]
    assert len(found) == len(problems)
    assert all(expected in problem for expected, problem in zip(problems, found, strict=True))


def test_the_clean_packages_exist() -> None:
    assert all((ROOT / place).exists() for place in (*CLEAN, *NO_PAGES))
    assert len(pages()) > 50
    assert len(modules()) > 100
