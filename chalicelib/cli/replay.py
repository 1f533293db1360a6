"""`laurel replay`: send recorded traffic through the real queue."""

from __future__ import annotations

import hashlib
import shutil
import sys
import tempfile
from dataclasses import astuple
from itertools import islice
from pathlib import Path
from urllib.parse import urlsplit

import click

from chalicelib.cli import progress_file
from chalicelib.cli.output import counted
from chalicelib.cli.progress_file import ReplayState
from chalicelib.cli.replay_outcome import MAX_FOLLOWED, examined, wait_and_print
from chalicelib.cli.target import LOCAL, Target
from chalicelib.cli.trace import SAMPLE, Plan, Recording, events_of, inspect_file
from chalicelib.services.context import Context
from chalicelib.services.operations.replay_events import replay_events

LOCAL_WAIT_S = 60.0


@click.command()
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--sample", is_flag=True, help="Replay the shipped sample of a real trace instead of FILE.")
@click.option("--rate", type=click.FloatRange(min=0, min_open=True), help="Events per second. Default: unlimited.")
@click.option("--backfill", is_flag=True, help="Use the backfill queue, which accepts old events.")
@click.option(
    "--players", default=200, show_default=True, type=click.IntRange(1, 10_000_000), help="Players of a trace."
)
@click.option(
    "--zipf", default=1.1, show_default=True, type=click.FloatRange(0, 5), help="Zipf exponent of their shares."
)
@click.option("--seed", default=1, show_default=True, help="The same seed gives the same events.")
@click.option(
    "--days",
    type=click.FloatRange(min=0, min_open=True),
    help="Spread a trace over the last DAYS days. Default: its own pace.",
)
@click.option("--state", "state_file", type=click.Path(dir_okay=False, path_type=Path), help="File for the position.")
@click.option("--again", is_flag=True, help="Send the same events again; none is applied twice.")
@click.option(
    "--wait",
    "seconds",
    type=click.FloatRange(0, 3600),
    help="Wait for the outcome until no event was applied for so many seconds. Default: 60 locally, else 0.",
)
@click.pass_obj
def replay(
    target: Target,
    file: str | None,
    sample: bool,
    rate: float | None,
    backfill: bool,
    players: int,
    zipf: float,
    seed: int,
    days: float | None,
    state_file: Path | None,
    again: bool,
    seconds: float | None,
) -> None:
    """Replay FILE (- for standard input): a trace or events.

    A trace is CSV with the columns TIMESTAMP,ContextTokens,GeneratedTokens. Its requests are assigned to players by
    Zipf's law, and its last request is now (with --backfill and without --days, requests keep their dates). Any other
    file is JSON lines, with one event of any accepted form per line. After Ctrl-C, the same command continues with the
    same events. With --wait, the command prints how many events were applied, were duplicates or were rejected; the
    exit status is 1 if any was rejected.
    """
    if sample == bool(file):
        raise click.UsageError("Name a FILE to replay, or give --sample.")
    with tempfile.TemporaryDirectory() as folder:
        path = SAMPLE if sample else local_copy(file or "", Path(folder))
        recording = inspect_file(path)
        plan = Plan(players, zipf, seed, days, as_recorded=backfill and days is None)
        queue = "backfill" if backfill else "events"
        where = urlsplit(target.variables[f"LAUREL_{queue.upper()}_QUEUE"]).path
        state, position_file = load_state(recording, plan, where, target.context.now_ms(), state_file, again=again)
        if seconds is None:
            seconds = LOCAL_WAIT_S if target.variables.get("LAUREL_STAGE") == LOCAL else 0
        follow = seconds > 0 and state.total - state.position <= MAX_FOLLOWED
        remaining = islice(events_of(recording, plan, state.anchor_ms), state.position, None)
        followed = examined(target.context, queue, remaining, keep=follow)
        if follow:
            followed.note_before(target.context)
        complete = state.complete
        run(target.context, recording, plan, queue, state, position_file, rate=rate)
        if follow and not complete:
            wait_and_print(target.context, queue, followed, seconds)


def load_state(
    recording: Recording, plan: Plan, where: str, now_ms: int, file: Path | None, *, again: bool = False
) -> tuple[ReplayState, Path]:
    """Return the state of the replay of this recording and plan, and its file.

    `where`: the queue's account and name, without the host, which may change.
    """
    # Options of a trace do not affect events that are replayed unchanged.
    options = astuple(plan) if recording.is_trace else ()
    key = hashlib.sha256(f"{recording.digest} {options} {where}".encode()).hexdigest()[:24]
    file = file or progress_file.default_file(key)
    state = progress_file.load(file, key) or ReplayState(key, now_ms, recording.rows)
    if again:
        state.position = 0
    return state, file


def run(
    context: Context,
    recording: Recording,
    plan: Plan,
    queue: str,
    state: ReplayState,
    file: Path,
    *,
    rate: float | None = None,
    label: str = "sending",
) -> None:
    """Send the remaining events, with a progress bar. The position is stored after every call."""
    if state.complete:
        click.echo(f"all {state.total:,} events are already sent; --again sends them again")
        return
    sent_before = state.position
    progress_file.save(file, state)
    remaining = islice(events_of(recording, plan, state.anchor_ms), sent_before, None)
    try:
        with click.progressbar(length=state.total, label=label, show_pos=True, width=40) as bar:
            bar.update(sent_before)

            def sent(number: int) -> None:
                state.position += number
                progress_file.save(file, state)
                bar.update(number)

            replay_events(context, queue, remaining, sent, rate=rate)
    except KeyboardInterrupt:
        click.echo(f"\nstopped at {state.position:,} of {state.total:,}; the same command continues", err=True)
        raise click.exceptions.Exit(130) from None
    click.echo(f"{counted(state.position - sent_before, 'event')} sent to the queue '{queue}'")


def local_copy(name: str, folder: Path) -> Path:
    """Return the path of a file that can be read twice. Standard input is copied to a file in the folder."""
    if name != "-":
        return Path(name)
    path = folder / "stdin"
    with path.open("wb") as copy:
        shutil.copyfileobj(sys.stdin.buffer, copy)
    return path
