"""Tests of the output of `make run` in README, apart from its figures."""

from __future__ import annotations

from collections import Counter

import pytest

from chalicelib.cli import trace
from chalicelib.services.progress.create_key import create_key
from infra.local import readings
from infra.local.run import PLAN
from tests.api.http import request
from tests.docs.compare import without_numbers
from tests.docs.pages import page
from tests.docs.site import Site

pytestmark = pytest.mark.usefixtures("api_documents")
REQUESTS = 30


class InProcess(readings.Api):
    """The API without a port."""

    def text(self, path: str, **parameters: object) -> str:
        query = "&".join(f"{name}={value}" for name, value in parameters.items())
        return request("GET", f"{path}?{query}" if query else path, key=self.key).text


def test_readme_shows_the_output_of_make_run(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = trace.SAMPLE.read_text().splitlines(keepends=True)[: 1 + REQUESTS]
    (site.folder / "sample.csv").write_text("".join(lines))
    recording = trace.inspect_file(site.folder / "sample.csv")
    expected = Counter(event["subject"] for event in trace.events_of(recording, PLAN, site.laurel.world.now_ms()))
    for event in trace.events_of(recording, PLAN, site.laurel.world.now_ms()):
        site.laurel.send("events", event)
    site.laurel.run()
    monkeypatch.setattr(readings, "_week_name", lambda _: "2026-W21")
    monkeypatch.setattr(readings, "_yesterday", lambda: "2026-05-18")
    monkeypatch.setattr(readings, "READERS", 1)
    key = create_key(site.laurel.context, expected.most_common(5)[-1][0], ["admin"]).key
    capsys.readouterr()
    assert readings.show(InProcess(site.url, key), expected) == []
    printed = iter(without_numbers(capsys.readouterr().out))
    (shown,) = [block.text for block in page("README.md").blocks if block.note.startswith("make run")]
    for line in without_numbers(shown):
        assert line == "..." or line in printed, line
