"""`laurel replay`: recorded traffic through the real queue."""

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
from chalicelib.cli.progress_file import Standing
from chalicelib.cli.target import Target
from chalicelib.cli.trace import SAMPLE, Plan, Recording, events_of, look_through
from chalicelib.services.context import Context
from chalicelib.services.operations.replay_events import replay_events


@click.command()
@click.argument("file", required=False, type=click.Path(dir_okay=False, allow_dash=True))
@click.option("--sample", is_flag=True, help="The shipped sample of a real trace instead of FILE.")
@click.option(
    "--rate", type=click.FloatRange(min=0, min_open=True), help="Events a second. Default: as fast as it goes."
)
@click.option("--backfill", is_flag=True, help="Through the backfill queue, which takes old events.")
@click.option("--players", default=200, show_default=True, type=click.IntRange(1, 10_000_000), help="For a trace.")
@click.option("--zipf", default=1.1, show_default=True, type=click.FloatRange(0, 5), help="How unequal they are.")
@click.option("--seed", default=1, show_default=True, help="The same seed makes the same events.")
@click.option(
    "--days",
    type=click.FloatRange(min=0, min_open=True),
    help="Spread a trace over the last DAYS days. Default: its own pace.",
)
@click.option("--state", type=click.Path(dir_okay=False, path_type=Path), help="Where to keep how far it has come.")
@click.option("--again", is_flag=True, help="Send all of it again: the same events, so nothing is applied twice.")
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
    state: Path | None,
    again: bool,
) -> None:
    """Replay FILE (- for standard input): a trace or events.

    A trace is CSV with the columns TIMESTAMP,ContextTokens,GeneratedTokens; its requests are given to players by
    Zipf's law, and end now (with --backfill and no --days, they keep their dates). Anything else is JSON lines, one
    event of any accepted form each. Stopped with Ctrl-C, the same command goes on with the same events.
    """
    if sample == bool(file):
        raise click.UsageError("Name a FILE to replay, or give --sample.")
    with tempfile.TemporaryDirectory() as folder:
        path = SAMPLE if sample else _file(file or "", Path(folder))
        recording = look_through(path)
        plan = Plan(players, zipf, seed, days, as_recorded=backfill and days is None)
        queue = "backfill" if backfill else "events"
        where = urlsplit(target.variables[f"LAUREL_{queue.upper()}_QUEUE"]).path
        standing, kept = stand(recording, plan, where, target.context.now_ms(), state, again=again)
        run(target.context, recording, plan, queue, standing, kept, rate=rate)


def stand(
    recording: Recording, plan: Plan, where: str, now_ms: int, state: Path | None, *, again: bool = False
) -> tuple[Standing, Path]:
    """Where the replay of this recording and plan stands, and the file that keeps it; `where` names the queue, by
    account and name, since a host may be another one tomorrow."""
    # A trace's options say nothing about events that are replayed as they are.
    options = astuple(plan) if recording.is_trace else ()
    key = hashlib.sha256(f"{recording.digest} {options} {where}".encode()).hexdigest()[:24]
    kept = state or progress_file.default_file(key)
    standing = progress_file.load(kept, key) or Standing(key, now_ms, recording.rows)
    if again:
        standing.position = 0
    return standing, kept


def run(
    context: Context,
    recording: Recording,
    plan: Plan,
    queue: str,
    standing: Standing,
    kept: Path,
    *,
    rate: float | None = None,
    label: str = "sending",
) -> None:
    """Send what is left, with a progress bar; how far it came is kept after every call."""
    if standing.complete:
        click.echo(f"all {standing.total:,} events were sent before; --again sends the same ones once more")
        return
    begun = standing.position
    progress_file.save(kept, standing)
    left = islice(events_of(recording, plan, standing.anchor_ms), begun, None)
    try:
        with click.progressbar(length=standing.total, label=label, show_pos=True, width=40) as bar:
            bar.update(begun)

            def sent(number: int) -> None:
                standing.position += number
                progress_file.save(kept, standing)
                bar.update(number)

            replay_events(context, queue, left, sent, rate=rate)
    except KeyboardInterrupt:
        click.echo(f"\nstopped at {standing.position:,} of {standing.total:,}; the same command goes on", err=True)
        raise click.exceptions.Exit(130) from None
    click.echo(f"{counted(standing.position - begun, 'event')} sent to the queue '{queue}'")


def _file(name: str, folder: Path) -> Path:
    """The file itself; standard input is kept first, since it is read twice."""
    if name != "-":
        return Path(name)
    kept = folder / "stdin"
    with kept.open("wb") as copy:
        shutil.copyfileobj(sys.stdin.buffer, copy)
    return kept
