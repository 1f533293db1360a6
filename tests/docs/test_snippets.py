"""Tests of the Python and JavaScript of the guides: its events are applied, and it never waits or fails."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from chalicelib.domain.progress.scores import BoardUpdate
from chalicelib.services.boards.worker import feed_boards
from chalicelib.services.progress.create_key import create_key
from tests.docs.pages import page, pages
from tests.docs.site import Site

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="Node is not here")
NOWHERE = "http://127.0.0.1:9"
# Node 18 has it under another name.
CRYPTO = '\nglobalThis.crypto ??= (await import("node:crypto")).webcrypto;\n'
SENT = 'laurelEvent("request.completed", "ada", { model: "m" });\nconsole.log("not waited for");\n'


def snippets(kind: str, name: str) -> list[str]:
    return [block.text for block in page(name).blocks if block.kind == kind]


def test_every_snippet_is_run_here() -> None:
    found = {(each.name, block.kind) for each in pages() for block in each.blocks if block.kind in {"python", "js"}}
    assert found == {
        ("docs/guides/events.md", "python"),
        ("docs/guides/events.md", "js"),
        ("docs/guides/boards.md", "js"),
        ("docs/guides/evolving-items.md", "python"),  # in test_evolving_items
        ("docs/guides/invites.md", "js"),
    }


def test_events_of_the_python_client_are_applied(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    laurel = site.laurel
    monkeypatch.setenv("LAUREL_EVENTS_QUEUE", laurel.plant.urls["events"])
    monkeypatch.setattr(boto3, "client", lambda service, **_: {"sqs": laurel.plant.sqs}[service])
    (snippet,) = snippets("python", "docs/guides/events.md")
    # It sends with the clock of the machine: the world's clock is set to it.
    laurel.world.sleep(datetime.now(UTC).timestamp() - laurel.world.now_ms() / 1000)
    scope: dict[str, Any] = {}
    exec(compile(snippet, "events.md", "exec"), scope)
    scope["laurel"].event("request.completed", "ben", model="m")
    wait_for(lambda: sum(body.count('"id"') for body in laurel.bodies("events")) == 2)
    laurel.run()
    assert (laurel.requests("ada"), laurel.requests("ben")) == (1, 1)


def test_the_python_client_never_waits_nor_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """No server listens, and there are more events than the buffer holds."""
    settings = {"region_name": "us-east-1", "aws_access_key_id": "x", "aws_secret_access_key": "x"}
    client, given = boto3.client, []

    def nowhere(service: str, config: Config) -> Any:
        given.append(config)
        return client(service, config=config, endpoint_url=NOWHERE, **settings)

    monkeypatch.setenv("LAUREL_EVENTS_QUEUE", f"{NOWHERE}/queue")
    monkeypatch.setattr(boto3, "client", nowhere)
    scope: dict[str, Any] = {}
    began = time.perf_counter()
    exec(compile(snippets("python", "docs/guides/events.md")[0], "events.md", "exec"), scope)
    for number in range(10_100):
        scope["laurel"].event("request.completed", "ada", number=number)
    assert time.perf_counter() - began < 30
    assert given[0].connect_timeout == 1
    assert given[0].read_timeout == 2


@needs_node
def test_the_javascript_client_of_the_queue_parses(site: Site) -> None:
    (site.folder / "queue.mjs").write_text(snippets("js", "docs/guides/events.md")[0])
    ran = site.run(["node", "--check", "queue.mjs"])
    assert (ran.status, ran.err) == (0, "")


@needs_node
def test_events_of_the_javascript_client_of_the_api_are_applied(site: Site) -> None:
    laurel = site.laurel
    laurel.world.sleep(datetime.now(UTC).timestamp() - laurel.world.now_ms() / 1000)
    key = create_key(laurel.context, "gateway", ["events:write"]).key
    site.variables |= {"LAUREL_API_URL": site.url, "GATEWAY_KEY": key}
    (site.folder / "http.mjs").write_text(snippets("js", "docs/guides/events.md")[1] + CRYPTO + SENT)
    ran = site.run(["node", "http.mjs"])
    assert (ran.status, ran.out, ran.err) == (0, "not waited for\n", "")
    assert site.statuses == [202]
    assert laurel.requests("ada") == 1


@needs_node
def test_the_javascript_client_of_the_api_ignores_errors(site: Site) -> None:
    site.variables |= {"LAUREL_API_URL": NOWHERE, "GATEWAY_KEY": "k"}
    (site.folder / "http.mjs").write_text(snippets("js", "docs/guides/events.md")[1] + CRYPTO + SENT)
    ran = site.run(["node", "http.mjs"])
    assert (ran.status, ran.out, ran.err) == (0, "not waited for\n", "")


@needs_node
def test_the_proxy_of_a_development_server(site: Site) -> None:
    config, _ = snippets("js", "docs/guides/boards.md")
    (site.folder / "vite.config.mjs").write_text(config)
    (site.folder / "show.mjs").write_text(
        'process.env.LAUREL_API_URL = "http://127.0.0.1:21000/laurel";\n'
        'const config = await import("./vite.config.mjs");\n'
        "console.log(JSON.stringify(config.default));\n"
    )
    ran = site.run(["node", "show.mjs"])
    assert (ran.status, ran.err) == (0, "")
    assert json.loads(ran.out) == {"server": {"proxy": {"/laurel": "http://127.0.0.1:21000"}}}


@needs_node
def test_the_live_view_shows_the_stream(site: Site) -> None:
    update = BoardUpdate("player:mia", 812, 1, 0, level=3, title="Beginner", public_id="0" * 16, name="Mia")
    feed_boards(site.laurel.context, "weekly#2026-W21", [update])
    ran = site.shell(f"curl -s '{site.url}/api/gamification/stream?scope=weekly'")
    (data,) = re.findall(r"^data: (.*)$", ran.out, re.MULTILINE)
    _, snippet = snippets("js", "docs/guides/boards.md")
    (site.folder / "live.mjs").write_text(snippet + LIVE % json.dumps(data))
    ran = site.run(["node", "live.mjs"])
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.splitlines() == [
        "http://laurel.test/api/gamification/stream?scope=weekly",
        "1 Mia 812",
        "again in 30000",
        "http://laurel.test/api/gamification/stream?scope=weekly",
        "closed",
    ]


# A browser's EventSource as the snippet meets it: a message, the end of a response, a refusal.
LIVE = """
globalThis.EventSource = class EventSource {
  static CONNECTING = 0;
  static CLOSED = 2;
  static last;
  constructor(url) { console.log(url); this.readyState = 1; EventSource.last = this; }
  close() { console.log("closed"); }
};
globalThis.setTimeout = (work, ms) => { console.log(`again in ${ms}`); work(); };
const stop = followBoard("http://laurel.test", "weekly", (entries) => {
  for (const { rank, displayName, score } of entries) console.log(rank, displayName, score);
});
const first = EventSource.last;
first.onmessage({ data: %s });
first.readyState = EventSource.CONNECTING;
first.onerror();
first.readyState = EventSource.CLOSED;
first.onerror();
stop();
"""
LINK = """
globalThis.location = { hash: process.argv[2], pathname: "/join" };
globalThis.history = { replaceState: (...to) => console.log("at", to[2]) };
globalThis.fetch = async (url, { headers, body }) => {
  console.log(url, headers["X-API-Key"], body);
  return { status: Number(process.argv[3]), json: async () => ({ redeemed: true }) };
};
console.log(JSON.stringify(await redeemInvite("http://api", "k")));
"""


@needs_node
@pytest.mark.parametrize(
    ("hash_", "status", "expected"),
    [
        ("", 200, ["null"]),
        (
            "#invite=a-b_c",
            200,
            ['http://api/api/gamification/invite/redeem k {"token":"a-b_c"}', "at /join", '{"redeemed":true}'],
        ),
        ("#invite=a", 503, ['http://api/api/gamification/invite/redeem k {"token":"a"}', '{"redeemed":true}']),
    ],
)
def test_the_page_of_an_invites_link(site: Site, hash_: str, status: int, expected: list[str]) -> None:
    (snippet,) = snippets("js", "docs/guides/invites.md")
    Path(site.folder / "join.mjs").write_text(snippet + LINK)
    ran = site.run(["node", "join.mjs", hash_, str(status)])
    assert (ran.out.splitlines(), ran.err) == (expected, "")


def wait_for(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
