"""`make run`: run Laurel on this machine with a sample of real traffic, and print what the API returns.

With ONCE=1 it ends after printing, with status 1 if anything is missing. Otherwise it serves until Ctrl-C or
`make stack-stop`.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import click
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import get_session

from chalicelib import settings, wiring
from chalicelib.cli import replay, trace
from chalicelib.cli.output import Progress
from chalicelib.domain.core.periods import DAY_MS
from chalicelib.services.context import Context
from chalicelib.services.operations.follow_events import examine
from chalicelib.services.progress.create_key import create_key
from infra.cloudformation import DeployError
from infra.local.emulator import HOME, EmulatorError
from infra.local.readings import Api, Refused, show
from infra.local.stack import Stack
from infra.settings import SettingError

# As if the deployment had run for five days: past boards have entries too.
PLAN = trace.Plan(players=200, zipf=1.1, seed=1, days=5, live=True)
ADMIN = "admin"
PLACE = 20  # rank of the key's player by requests: one of the more active ones
KEY_FILE = HOME / "key.json"
REPLAY_FILE = HOME / "replay.json"
# Draining a full queue took 25 s on two cores. But a message that failed is delivered again only after its queue's
# visibility timeout: six minutes.
DRAIN_S = 420.0
QUIET_POLLS = 2
WAITING = tuple(f"ApproximateNumberOfMessages{state}" for state in ("", "Delayed", "NotVisible"))
# The public queue accepts events of the last 7 days: a replay stopped longer ago than this uses the backfill queue.
STALE_MS = DAY_MS


class Unfinished(RuntimeError):
    """An expected result is missing. The message names it."""


def main() -> int:
    _end_on_signals()
    once = os.environ.get("ONCE") == "1"
    stack = Stack(HOME)
    found_running = stack.emulator.healthy()
    try:
        began = time.monotonic()
        click.echo("starting Laurel on this machine (the first start takes a minute) ...")
        stack.start(tied=True)
        if stack.recovered:
            click.echo("the last run crashed; its state of at most a minute before is restored")
        click.echo(f"deployed in {time.monotonic() - began:.0f} s: {stack.api_url}")
        problems = _fill_and_show(stack)
        for problem in problems:
            click.echo(f"error: {problem}", err=True)
        if not once:
            _serve(stack)
        return 1 if problems else 0
    except KeyboardInterrupt:
        click.echo()
    except click.exceptions.Exit as stop:  # the replay was stopped
        return stop.exit_code
    except (BotoCoreError, ClientError, DeployError, EmulatorError, Refused, SettingError, Unfinished) as error:
        click.echo(f"error: {error}", err=True)
        return 1
    finally:
        if found_running and stack.emulator.process() is not None:
            click.echo("the local stack was already running and keeps running; stop it with: make stack-stop")
        else:
            with _undisturbed():
                crashed = stack.emulator.crashed()
                if stack.emulator.process() is not None:
                    click.echo("stopping ...")
                stack.stop()
            kept = "its state of at most a minute ago" if crashed else "its data"
            click.echo(f"the local stack is stopped; {kept} is kept in .stack")
    return 0


def _fill_and_show(stack: Stack) -> list[str]:
    """Send the sample and print what the API returns for it; return what is missing."""
    context = _context(stack)
    recording = trace.inspect_file(trace.SAMPLE)
    expected = Counter(event["subject"] for event in trace.events_of(recording, PLAN, context.now_ms()))
    api = Api(stack.api_url, _key(stack, context, expected.most_common(PLACE)[-1][0]))
    _replay(stack, context, recording)
    _drain(stack, api)
    return show(api, expected)


def _context(stack: Stack) -> Context:
    variables = stack.environment()
    if ruleset := os.environ.get("RULESET"):
        variables["LAUREL_RULESET"] = str(Path(ruleset).resolve())
    os.environ.update({name: value for name, value in variables.items() if name.startswith("AWS_")})
    return wiring.build(settings.read(variables), get_session())


def _key(stack: Stack, context: Context, player: str) -> str:
    """Return a key with all permissions: that of the last run if it still works. Only this user may read its file."""
    with contextlib.suppress(OSError, ValueError, KeyError, Refused):
        known = json.loads(KEY_FILE.read_text())
        if Api(stack.api_url, known["key"]).get("/api/gamification/profile")["id"] == player:
            return str(known["key"])
    made = create_key(context, player, [ADMIN])
    KEY_FILE.touch(mode=0o600)
    KEY_FILE.write_text(json.dumps({"player": player, "key": made.key}))
    return made.key


def _replay(stack: Stack, context: Context, recording: trace.Recording) -> None:
    if stack.fresh:
        REPLAY_FILE.unlink(missing_ok=True)
    now_ms = context.now_ms()
    state, file = replay.load_state(recording, PLAN, "make run", now_ms, REPLAY_FILE)
    if stack.recovered and _lost(context, recording, state.anchor_ms):
        state.position = 0  # the events that are not lost have no effect again
    if state.complete:
        click.echo(f"the sample's {state.total:,} events are already sent")
        return
    queue = "backfill" if now_ms - state.anchor_ms > STALE_MS else "events"
    replay.run(context, recording, PLAN, queue, state, file)


def _lost(context: Context, recording: trace.Recording, anchor_ms: int) -> bool:
    """Return whether a crash may have lost events of the sample after they were sent."""
    sent = examine(context, "backfill", trace.events_of(recording, PLAN, anchor_ms), keep=True)
    sent.update(context)
    return sent.missing > 0


def _drain(stack: Stack, api: Api) -> None:
    """Wait until the queues are empty and the all-time board no longer changes."""
    deadline = time.monotonic() + DRAIN_S
    left = most = _left(stack)
    total, quiet, progress = -1, 0, Progress()
    while quiet < QUIET_POLLS:
        if time.monotonic() > deadline:
            raise Unfinished(f"{left} messages were still waiting after {DRAIN_S:.0f} s")
        left = _left(stack)
        most = max(most, left)
        if left:
            quiet = 0
            progress.update(f"applying: {most - left} of {most} messages")
            time.sleep(0.25)
            continue
        last, total = total, sum(entry["score"] for entry in api.board("global"))
        quiet = quiet + 1 if last == total else 0
        time.sleep(0.25)
    progress.end("applied")


def _left(stack: Stack) -> int:
    """Return the number of messages in the queues on the way."""
    sqs, left = stack.client("sqs"), 0
    for name in ("events", "own", "backfill", "boards"):
        answer = sqs.get_queue_attributes(QueueUrl=stack.queue_urls[name], AttributeNames=list(WAITING))
        left += sum(int(value) for value in answer["Attributes"].values())
    return left


def _serve(stack: Stack) -> None:
    click.echo("\nserving until Ctrl-C")
    while stack.emulator.process() is not None:
        time.sleep(1)
    if stack.emulator.crashed():
        raise Unfinished(f"the emulator has ended; its log is {stack.emulator.log}")


def _end_on_signals() -> None:
    """End as with Ctrl-C when stopped or when the terminal closes, unless nohup asks to outlive it."""
    for number in (signal.SIGTERM, signal.SIGINT):  # in the background of a script, SIGINT is ignored by default
        signal.signal(number, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.default_int_handler)


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Keep another signal from interrupting the saving of the state."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, signal.SIG_IGN) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


if __name__ == "__main__":
    sys.exit(main())
