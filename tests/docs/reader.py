"""Runner of a page from top to bottom: runs its commands and compares their output."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass, field

from tests.docs.compare import Known, same_shape, without_numbers
from tests.docs.pages import Block, Page
from tests.docs.site import Ran, Site

NUMBERS_VARY = "numbers vary"
NOT_RUN = "not run: "
EXIT = re.compile(r"exit status (\d+)")
# Blocks that other tests run, and those that only show something.
ELSEWHERE = {"python", "js", "toml", ""}


@dataclass
class Reader:
    """`last`: what the block of commands right before printed; None if there was none."""

    site: Site
    page: Page
    known: Known = field(default_factory=Known)
    last: Ran | None = None

    def read(self) -> None:
        """Follow all blocks. Raise AssertionError with file and line of the first wrong one."""
        for block, shown in zip(self.page.blocks, [*self.page.blocks[1:], None], strict=True):
            try:
                self._follow(block, shown)
            except AssertionError as wrong:
                raise AssertionError(f"{self.page.name}:{block.line}: {wrong}") from wrong

    def _follow(self, block: Block, shown: Block | None) -> None:
        if block.kind == "sh":
            self.last = None if block.note.startswith(NOT_RUN) else self._run(block, shown)
            if self.last is None:
                parsed = subprocess.run(["bash", "-n", "-c", block.text], capture_output=True, text=True, check=False)
                assert parsed.returncode == 0, parsed.stderr
            return
        if block.kind in {"json", "text"} and not block.note.startswith("make run"):
            if self.last is None:
                self._send(block)
            else:
                self._compare(block, self.last)
        else:
            assert block.kind in {*ELSEWHERE, "text"}, f"a block of kind '{block.kind}'"
        self.last = None

    def _run(self, block: Block, shown: Block | None) -> Ran:
        self.site.statuses.clear()
        ran = self.site.shell(self.known.put_into(block.text))
        expected = EXIT.search(block.note)
        assert ran.status == (int(expected[1]) if expected else 0), (ran, self.site.statuses)
        refused = shown is not None and shown.kind == "json" and shown.text.startswith('{"error"')
        last = self.site.statuses[-1:]
        for status in self.site.statuses[:-1] if refused else self.site.statuses:
            assert 200 <= status < 300, (status, ran)
        assert not refused or (last and 400 <= last[0] < 500), ran
        assert refused or self.site.laurel.listed() == [] or "dlq" in self.page.text, "a message was rejected or failed"
        return ran

    def _compare(self, block: Block, ran: Ran) -> None:
        if block.kind == "json":
            shown, found = json.loads(block.text), json.loads(ran.out)
            if block.note == NUMBERS_VARY:
                assert same_shape(shown, found), ran.out
            else:
                assert self.known.same_json(shown, found), ran.out
            return
        printed = (ran.out, ran.out + ran.err, ran.err + ran.out)
        if block.note == NUMBERS_VARY:
            assert without_numbers(block.text) in map(without_numbers, printed), ran
        else:
            assert any(self.known.same_text(block.text.strip(), text.strip()) for text in printed), ran

    def _send(self, block: Block) -> None:
        """Send a JSON block that follows no command as an event about Ada."""
        assert block.kind == "json", "text that no command printed"
        before = self.site.laurel.xp("ada") or 0
        self.site.laurel.send("events", block.text)
        self.site.laurel.run()
        assert self.site.laurel.listed() == [], "the event was rejected"
        assert (self.site.laurel.xp("ada") or 0) > before, "the event paid nothing"
