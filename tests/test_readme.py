"""README's words are true: its targets, commands, snippets and examples are run or parsed."""

from __future__ import annotations

import json
import logging
import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import click
import pytest
from botocore.config import Config

from chalicelib import wiring
from chalicelib.cli import main
from chalicelib.domain.core.periods import moment_name
from chalicelib.domain.events.event import Delivery, parse
from chalicelib.domain.progress.scores import BoardUpdate
from chalicelib.services.boards.worker import feed_boards
from chalicelib.services.progress.create_key import create_key
from chalicelib.settings import RULESETS
from tests.api.http import request
from tests.cli.conftest import Deployment
from tests.pipeline import plant as plants

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
# That chapter's requests follow on each other: tests/test_readme_economy.py.
ECONOMY = README.partition("\n## Economy\n")[2].partition("\n## ")[0]
REST = README.replace(ECONOMY, "")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", REST, re.MULTILINE | re.DOTALL)
SHELL = [line for kind, text in BLOCKS if kind == "sh" for line in text.splitlines()]
SHELL += [line for line in ECONOMY.splitlines() if line.startswith("laurel ")]
ANSWERED = re.findall(r"^```sh\n(curl [^\n]*)\n```\n\n```json\n(.*?)^```$", REST, re.MULTILINE | re.DOTALL)
CURLS = [line for line in SHELL if line.startswith("curl ")]
MAKES = sorted(
    {*re.findall(r"\bmake ([a-z-]+)\b(?=[^\n]*`|[ \n])", "\n".join(SHELL)), *re.findall(r"`make ([a-z-]+)", README)}
)
URL = "http://laurel.test"


@pytest.fixture
def laurel(monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    made = Deployment(plants.build(5, chosen=plants.rules(RULESETS / "default.toml")))
    # README's examples happen when the world begins.
    monkeypatch.setattr(wiring, "context", lambda: made.context)
    logging.getLogger("laurel").setLevel(logging.CRITICAL)
    yield made
    made.world.close()


def code(kind: str) -> list[str]:
    return [text for found, text in BLOCKS if found == kind]


def test_every_kind_of_block_is_looked_at() -> None:
    assert {kind for kind, _ in BLOCKS} == {"sh", "json", "python", "js"}
    assert {line.split()[0] for line in SHELL} <= {"make", "laurel", "curl"}
    assert len(CURLS) >= 8
    assert {"run", "test", "deploy", "sim", "bench", "lint", "help", "package"} <= set(MAKES)


@pytest.mark.parametrize("target", MAKES)
def test_make_targets_exist(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize("line", [line for line in SHELL if line.startswith("laurel ")])
def test_commands_parse(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    context = main.make_context("laurel", shlex.split(line)[1:])
    words = left_over(context)
    command: click.Command = main
    while isinstance(command, click.Group):
        name, found, words = command.resolve_command(context, words)
        assert found is not None
        command = found
        context = command.make_context(name, words, parent=context)
        words = left_over(context)
    assert not context.args


@pytest.mark.parametrize("path", re.findall(r"\]\(([^)#:]+)\)", README))
def test_linked_files_exist(path: str) -> None:
    assert (ROOT / path).is_file()


@pytest.mark.parametrize("text", [text for text in code("json") if text not in {answer for _, answer in ANSWERED}])
def test_examples_are_accepted(laurel: Deployment, text: str) -> None:
    now_ms = laurel.world.now_ms()
    event = parse(json.loads(text), Delivery("m", now_ms), laurel.context.rules.settings, now_ms)
    assert event.player == "ada"
    laurel.send("events", text)
    laurel.run()
    assert laurel.listed() == []
    assert (laurel.xp("ada") or 0) > 0


def test_types_that_pay_are_those_of_the_ruleset(laurel: Deployment) -> None:
    listed = re.search(r"Types that pay: (.*?)\. Others", README, re.DOTALL)
    assert listed
    named = set(re.findall(r"`([a-z._]+)`", listed[1]))
    assert named == set(laurel.context.rules.ruleset.events) - {"transfer.sent", "referral.redeemed"}


@pytest.mark.parametrize("line", CURLS)
def test_curl_lines_are_answered(laurel: Deployment, line: str) -> None:
    key = create_key(laurel.context, "ada", ["admin"]).key
    now = moment_name(laurel.world.now_ms())
    call = curl(line.replace("$LAUREL_KEY", key).replace("$LAUREL_API_URL", URL).replace("$(date -u +%FT%TZ)", now))
    if call["body"] is not None:
        call["body"] = json.loads(call["body"])
        assert call["headers"]["content-type"] == "application/json"
    answer = request(call["method"], call["path"], key=call["headers"].get("x-api-key", ""), body=call["body"])
    assert answer.status == (202 if call["method"] == "POST" else 200), answer
    laurel.run()
    assert laurel.listed() == []
    if call["method"] == "POST":
        assert (laurel.xp("ada") or 0) > 0


@pytest.mark.parametrize(("line", "answer"), ANSWERED)
def test_answers_are_what_is_answered(laurel: Deployment, line: str, answer: str) -> None:
    at_ms = laurel.world.now_ms() - 3_600_000
    week = [
        state("mia", 812, at_ms, name="Mia"),
        state("ada", 790, at_ms, name="Ada"),
        state("kim", 790, at_ms + 2_400_000, name="Kim", private=True),
        state("u-1001", 655, at_ms, level=2, public_id="b7e1c94a0d5f2386"),
        state("u-1002", 12, at_ms, level=1, public_id="01d6f3a87c4e925b"),
    ]
    feed_boards(laurel.context, "weekly#2026-W21", week)
    call = curl(line.replace("$LAUREL_KEY", create_key(laurel.context, "ada", []).key).replace("$LAUREL_API_URL", URL))
    assert request("GET", call["path"], key=call["headers"].get("x-api-key", "")).json == json.loads(answer)


def state(player: str, score: int, at_ms: int, **more: Any) -> BoardUpdate:
    shown = {"level": 3, "title": "Beginner", "public_id": "0" * 16} | more
    return BoardUpdate(player, score, 1, at_ms, **shown)


def left_over(context: click.Context) -> list[str]:
    """What a group has not used, for the command after it."""
    return [*getattr(context, "_protected_args", ()), *context.args]


def curl(line: str) -> dict[str, Any]:
    """What a curl line asks for; only the options that README uses are known."""
    words = shlex.split(line.removesuffix(" > /dev/null &"))[1:]
    call: dict[str, Any] = {"method": "GET", "headers": {}, "body": None}
    while words:
        word = words.pop(0)
        if word == "-H":
            name, _, value = words.pop(0).partition(": ")
            call["headers"][name.lower()] = value
        elif word == "-d":
            call |= {"body": words.pop(0), "method": "POST" if call["method"] == "GET" else call["method"]}
        elif word == "-X":
            call["method"] = words.pop(0)
        elif word == "--max-time":
            assert float(words.pop(0)) > 0
        elif word != "-s":
            assert word.startswith(URL + "/")
            parts = urlsplit(word)
            call["path"] = f"{parts.path}?{parts.query}" if parts.query else parts.path
    return call


def test_the_python_snippet_sends_what_is_applied(laurel: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAUREL_EVENTS_QUEUE", laurel.plant.urls["events"])
    monkeypatch.setattr(boto3, "client", lambda service, **_: {"sqs": laurel.plant.sqs}[service])
    (snippet,) = code("python")
    # It sends with the clock of the machine: the world's is set to it.
    laurel.world.sleep(datetime.now(UTC).timestamp() - laurel.world.now_ms() / 1000)
    scope: dict[str, Any] = {}
    exec(compile(snippet, "README.md", "exec"), scope)
    scope["laurel"].event("request.completed", "ben", model="m")
    wait_for(lambda: sum(body.count('"id"') for body in laurel.bodies("events")) == 2)
    laurel.run()
    assert (laurel.requests("ada"), laurel.requests("ben")) == (1, 1)


def test_the_python_snippet_never_waits_nor_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listens at the other end, and there are more events than the buffer holds."""
    settings = {"region_name": "us-east-1", "aws_access_key_id": "x", "aws_secret_access_key": "x"}
    client, given = boto3.client, []

    def nowhere(service: str, config: Config) -> Any:
        given.append(config)
        return client(service, config=config, endpoint_url="http://127.0.0.1:9", **settings)

    monkeypatch.setenv("LAUREL_EVENTS_QUEUE", "http://127.0.0.1:9/queue")
    monkeypatch.setattr(boto3, "client", nowhere)
    scope: dict[str, Any] = {}
    began = time.perf_counter()
    exec(compile(code("python")[0], "README.md", "exec"), scope)
    for number in range(10_100):
        scope["laurel"].event("request.completed", "ada", number=number)
    assert time.perf_counter() - began < 5
    assert given[0].connect_timeout == 1
    assert given[0].read_timeout == 2


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not here")
def test_the_javascript_snippets_parse_and_swallow_errors(tmp_path: Path) -> None:
    queue, http, _ = code("js")
    (tmp_path / "queue.mjs").write_text(queue)
    subprocess.run(["node", "--check", "queue.mjs"], cwd=tmp_path, check=True, timeout=30)
    call = '\nglobalThis.crypto ??= (await import("node:crypto")).webcrypto;\n'
    call += 'laurelEvent("request.completed", "ada", { model: "m" });\nconsole.log("not waited for");\n'
    (tmp_path / "http.mjs").write_text(http + call)
    done = subprocess.run(
        ["node", "http.mjs"],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "LAUREL_API_URL": "http://127.0.0.1:9", "LAUREL_KEY": "k"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "not waited for\n", "")


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not here")
def test_the_live_view_shows_what_the_stream_says(laurel: Deployment, tmp_path: Path) -> None:
    feed_boards(laurel.context, "weekly#2026-W21", [state("mia", 812, 0, name="Mia")])
    told = request("GET", "/api/gamification/stream?scope=weekly").text
    (data,) = re.findall(r"^data: (.*)$", told, re.MULTILINE)
    (tmp_path / "live.mjs").write_text(code("js")[2] + LIVE % json.dumps(data))
    done = subprocess.run(["node", "live.mjs"], cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "http://laurel.test/api/gamification/stream?scope=weekly",
        "1 Mia 812",
        "again in 30000",
        "http://laurel.test/api/gamification/stream?scope=weekly",
        "closed",
    ]


# A browser's EventSource as the snippet meets it: a message, an answer's end, a refusal.
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


def wait_for(condition: Any, seconds: float = 5) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
