"""`laurel board`: close leaderboards, prove them, set them right, rebuild them from the players."""

from __future__ import annotations

import time
from collections import Counter
from functools import partial

import click

from chalicelib.cli.output import Progress, counted
from chalicelib.cli.target import Target, refuse_other_ruleset
from chalicelib.domain.boards.repair_progress import Repair
from chalicelib.domain.core.errors import InvalidRequest
from chalicelib.services.boards.rebuild_board import Ordered, kept_boards, rebuild_board
from chalicelib.services.boards.request_repairs import repair_board
from chalicelib.services.boards.rotate_boards import rotate_boards
from chalicelib.services.boards.rotation import Step
from chalicelib.services.boards.verify_board import Verified, find_board, verify_board
from chalicelib.services.context import Context

# A writer takes about as long to freeze a board.
POLL_S = 2.0

pauses = click.option(
    "--wait",
    "seconds",
    default=2.0,
    show_default=True,
    type=click.FloatRange(0, 3600),
    help="Before what looks wrong is read again.",
)


@click.group()
def board() -> None:
    """Leaderboards: close them, prove them, set them right. PERIOD is today's unless given."""


@board.command()
@click.argument("scope")
@click.argument("period", required=False)
@pauses
@click.pass_obj
def verify(target: Target, scope: str, period: str | None, seconds: float) -> None:
    """Compare entries with the players' own totals, and the rank index with the entries.

    Every difference is one line; exit status 1 if there is any. What is only on its way is counted apart: it is a
    difference once it stays away.
    """
    context, progress = _context(target), Progress(err=True)
    name = find_board(context, scope, period)
    verified = verify_board(context, name, partial(_pause, seconds), read=partial(_tell_read, progress))
    progress.end(_summary(verified))
    for difference in verified.differences:
        click.echo(str(difference))
    if verified.differences:
        raise click.exceptions.Exit(1)


@board.command()
@click.argument("scope")
@click.argument("period", required=False)
@pauses
@click.pass_obj
def repair(target: Target, scope: str, period: str | None, seconds: float) -> None:
    """Have the board's own writers set right what verify finds, while updates go on. Frozen boards too.

    If it is stopped, the writers go on with what was ordered; run it again to see what is left.
    """
    context, progress = _context(target), Progress(err=True)
    first, last = repair_board(
        context,
        find_board(context, scope, period),
        partial(_pause, seconds),
        read=partial(_tell_read, progress),
        told=partial(_tell_repair, progress),
    )
    progress.end(_summary(last))
    left = Counter(each.subject for each in last.differences)
    for difference in first.differences:
        if difference.subject not in left:
            click.echo(f"mended: {difference}")
    for difference in last.differences:
        click.echo(f"not mended: {difference}")
    if last.differences:
        raise click.exceptions.Exit(1)


@board.command()
@click.argument("scope", required=False)
@click.argument("period", required=False)
@click.option("--all", "everything", is_flag=True, help="Every board that is kept.")
@click.option("--from", "place", default="", help="Where a rebuild of this board that was stopped goes on, as it said.")
@click.pass_obj
def rebuild(target: Target, scope: str | None, period: str | None, everything: bool, place: str) -> None:
    """Write all entries from the players' totals and count the index anew: after a restore of the table.

    The boards' own writers do it, while updates go on. One that is stopped says how to go on.
    """
    if everything == bool(scope):
        raise click.UsageError("Name the SCOPE to rebuild, or give --all.")
    if everything and place:
        raise click.UsageError("A rebuild goes on with one board: name its SCOPE and PERIOD with --from.")
    context = _context(target)
    for name in kept_boards(context) if scope is None else [find_board(context, scope, period)]:
        ordered, progress = Ordered(0, place), Progress()
        try:
            for ordered in rebuild_board(context, name, place):
                progress.tell(f"{name}: {counted(ordered.entries, 'entry', 'entries')} ordered")
        except BaseException as error:
            if ordered.place and not isinstance(error, InvalidRequest):
                board_name = " ".join(name.split("#"))
                click.echo(f"\nTo go on: laurel board rebuild {board_name} --from {ordered.place}", err=True)
            raise
        entries = counted(ordered.entries, "entry", "entries")
        progress.end(f"{name}: {entries} ordered, and the index; the workers do the rest")


@board.command()
@click.option(
    "--wait",
    "seconds",
    default=120.0,
    show_default=True,
    type=click.FloatRange(0, 3600),
    help="For a backlog to be applied, which is looked for twice, and for writers to freeze their boards.",
)
@click.pass_obj
def rotate(target: Target, seconds: float) -> None:
    """Close the days, weeks and months that have ended, as the schedule does every five minutes.

    Each is frozen, archived, its ranks are told, and it is announced: once, however often this is run. A board that is
    held waits for events that were received in time and are not applied yet.
    """
    context, told = _context(target), dict[str, Step]()
    while True:
        rotation = rotate_boards(context)
        for name, step in rotation.steps.items():
            if told.get(name) is not step:
                click.echo(f"{name}: {rotation.told[name]}")
        told |= rotation.steps
        seconds -= POLL_S
        if rotation.failed or not rotation.waiting or seconds < 0:
            break
        _pause(POLL_S)
    for scope, error in rotation.failed.items():
        click.echo(f"{scope}: {error or type(error).__name__}", err=True)
    closed = Counter(told.values())[Step.ROTATED]
    click.echo(f"{closed:,} closed{', others still wait' * rotation.waiting}", err=True)
    if rotation.failed:
        raise click.exceptions.Exit(1)


def _context(target: Target) -> Context:
    """By another ruleset, right entries would look wrong, and boards would be closed and paid wrongly."""
    refuse_other_ruleset(target)
    return target.context


def _tell_read(progress: Progress, entries: int) -> None:
    progress.tell(f"{counted(entries, 'entry', 'entries')} read")


def _tell_repair(progress: Progress, shard: str, repair: Repair) -> None:
    if not repair.counted:
        what = f"entries up to player {repair.cursor or '-'} are counted"
    else:
        what = f"the index is right for scores below {repair.low:,}"
    progress.tell(f"{shard}: repair, step {repair.step}: {what}")


def _summary(verified: Verified) -> str:
    parts = [counted(verified.entries, "entry", "entries"), counted(verified.nodes, "node")]
    parts.append(counted(len(verified.differences), "difference"))
    parts += [f"{verified.in_flight:,} in flight"] * bool(verified.in_flight)
    parts += [f"{verified.after_freeze:,} after freeze"] * bool(verified.after_freeze)
    parts += ["not proven within the time"] * (not verified.proven)
    parts += ["more entries are wrong than these: rebuild the board"] * verified.more
    return f"{verified.board}: {', '.join(parts)}"


def _pause(seconds: float) -> None:
    time.sleep(seconds)
