"""Tests of the pages: their commands run in the order of the page and print the shown output."""

from __future__ import annotations

import contextlib
import json
import re
import shlex
from urllib.parse import urlsplit

import click
import pytest

from chalicelib.cli import main
from chalicelib.cli.trace import SAMPLE
from tests.docs.pages import ROOT, Page, anchor, page, pages
from tests.docs.reader import ELSEWHERE, NOT_RUN, NUMBERS_VARY, Reader
from tests.docs.site import Site

FOLLOWED = [each for each in pages() if any(block.kind == "sh" for block in each.blocks)]
# Pages for readers that have run `make run` before.
AFTER_MAKE_RUN = {"README.md", "docs/tutorial.md"}
# A part of the sample that `make run` replays, since its figures vary anyway.
REQUESTS = 30
KINDS = {"sh", "json", "text", *ELSEWHERE}
names = {"ids": lambda value: value.name if isinstance(value, Page) else str(value)}


@pytest.mark.parametrize("shown", FOLLOWED, **names)
def test_a_page_from_top_to_bottom(site: Site, shown: Page) -> None:
    if shown.name in AFTER_MAKE_RUN:
        lines = SAMPLE.read_text().splitlines(keepends=True)[: 1 + REQUESTS]
        (site.files / "sample.csv").write_text("".join(lines))
        assert site.shell('laurel replay "$SITE_FILES/sample.csv" --days 5').status == 0
    Reader(site, shown).read()


@pytest.mark.parametrize("shown", pages(), **names)
def test_blocks_and_notes_are_known(shown: Page) -> None:
    for block in shown.blocks:
        assert block.kind in KINDS
        note = block.note.removeprefix(NOT_RUN)
        assert (
            not block.note
            or note != block.note
            or re.fullmatch(rf"{NUMBERS_VARY}|exit status \d|make run ONCE=1", block.note)
        ), block.note
    assert shown.text.count("```") == 2 * len(shown.blocks)


@pytest.mark.parametrize("shown", pages(), **names)
def test_links_have_a_target(shown: Page) -> None:
    for link in shown.links:
        parts = urlsplit(link)
        if parts.scheme:
            assert parts.scheme == "https"
            continue
        target = (shown.path.parent / parts.path).resolve() if parts.path else shown.path
        assert target.exists(), link
        assert target.is_relative_to(ROOT), link
        if parts.fragment:
            assert parts.fragment in page(target.relative_to(ROOT).as_posix()).anchors, link


@pytest.mark.parametrize("shown", pages(), **names)
def test_make_targets_exist(shown: Page) -> None:
    makefile = (ROOT / "Makefile").read_text()
    shell = "\n".join(shown.shell_lines)
    for target in {*re.findall(r"^make ([a-z-]+)", shell, re.M), *re.findall(r"`make ([a-z-]+)", shown.text)}:
        assert re.search(rf"^{target}:", makefile, re.M), target


@pytest.mark.parametrize("shown", pages(), **names)
def test_commands_parse(shown: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands in the prose parse too, and so do those that are not run here."""
    monkeypatch.chdir(ROOT)
    lines = re.findall(r"`(laurel [a-z]+ [^`]*)`", shown.prose)
    lines += [
        line
        for block in shown.blocks
        if block.note.startswith(NOT_RUN)
        for line in block.text.splitlines()
        if line.startswith("laurel ")
    ]
    for line in lines:
        if "..." not in line and "<" not in line:
            # Prose names commands without their arguments too.
            with contextlib.suppress(click.MissingParameter):
                parse(re.sub(r"\b(mine\.toml|FILE|\w+\.jsonl|\w+\.csv)(?= |$)", "README.md", line))


def parse(line: str) -> None:
    context = main.make_context("laurel", shlex.split(line)[1:])
    words = left_over(context)
    command: click.Command = main
    while isinstance(command, click.Group) and words:
        name, found, words = command.resolve_command(context, words)
        assert found is not None, line
        command = found
        context = command.make_context(name, words, parent=context)
        words = left_over(context)
    assert not context.args, line


def left_over(context: click.Context) -> list[str]:
    """Return the words that a group has not used, for its subcommand."""
    return [*getattr(context, "_protected_args", ()), *context.args]


def test_every_page_is_reached_from_readme() -> None:
    reached, waiting = set(), [page("README.md")]
    while waiting:
        shown = waiting.pop()
        reached.add(shown.name)
        for link in shown.links:
            target = (shown.path.parent / urlsplit(link).path).resolve()
            for other in pages():
                if other.path == target and other.name not in reached:
                    waiting.append(other)
    assert {each.name for each in pages()} == reached


def test_readme_is_one_page() -> None:
    lines = page("README.md").text.splitlines()
    assert len(lines) <= 130
    assert max(map(len, lines)) <= 120


def test_pages_name_no_path_of_one_machine() -> None:
    assert [each.name for each in pages() if re.search(r"/(?:home|root|tmp|work)/", each.text)] == []


def test_anchors_are_those_of_the_headings() -> None:
    assert anchor("Balance, history, statement") == "balance-history-statement"


def test_a_wrong_page_fails(site: Site) -> None:
    """Each kind of error is found: a status, a figure, an order of members, a text, an unknown command."""
    event = {"type": "request.completed", "apiKeyId": "ada", "metadata": {"modle": 1}, "apikey": "x"}
    status = "```sh\ncurl -s $SITE/laurel/api/gamification/status\n```\n\n```json\n%s\n```\n"
    Reader(site, Page(ROOT / "README.md", status % '{"status": "ok", "ruleset": "2026.1"}')).read()
    for wrong in (
        "```sh\ncurl -s $SITE/laurel/api/gamification/rank\n```\n",
        "```sh\nlaurel nothing\n```\n",
        f"```json\n{json.dumps(event)}\n```\n",
        status % '{"status": "ok", "ruleset": "1"}',
        status % '{"ruleset": "2026.1", "status": "ok"}',
        "```sh\nlaurel key create --player ada\n```\n\n```text\na key of bob (player), shown this once:\n```\n",
        "```rust\n```\n",
    ):
        with pytest.raises(AssertionError, match=r"README\.md:[26]"):
            Reader(site, Page(ROOT / "README.md", wrong)).read()
