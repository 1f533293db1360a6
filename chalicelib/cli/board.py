"""`laurel board`: rotate, verify, repair and rebuild leaderboards."""

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

# A writer takes about this long to freeze a board.
POLL_S = 2.0

pauses = click.option(
    "--wait",
    "seconds",
    default=2.0,
    show_default=True,
    type=click.FloatRange(0, 3600),
    help="Seconds before differences are read again.",
)


@click.group()
def board() -> None:
    """Rotate, verify, repair and rebuild leaderboards. PERIOD is the current one by default."""


@board.command()
@click.argument("scope")
@click.argument("period", required=False)
@pauses
@click.pass_obj
def verify(target: Target, scope: str, period: str | None, seconds: float) -> None:
    """Compare board entries, players' totals and the rank index.

    Entries are compared with the players' own totals, and the rank index with the entries. Prints one line for each
    difference, and exits with status 1 if there is any. Updates in flight are counted separately; one that does not
    arrive becomes a difference.
    """
    context, progress = _context_for(target), Progress(err=True)
    name = find_board(context, scope, period)
    verified = verify_board(context, name, partial(_pause, seconds), read=partial(_show_read, progress))
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
    """Repair the differences that verify finds.

    The board's own writers make the repairs while updates continue, also on frozen boards. If the command is stopped,
    the writers still finish the requested repairs; run it again to check the result.
    """
    context, progress = _context_for(target), Progress(err=True)
    first, last = repair_board(
        context,
        find_board(context, scope, period),
        partial(_pause, seconds),
        read=partial(_show_read, progress),
        report=partial(_show_repair, progress),
    )
    progress.end(_summary(last))
    left = Counter(each.item for each in last.differences)
    for difference in first.differences:
        if difference.item not in left:
            click.echo(f"repaired: {difference}")
    for difference in last.differences:
        click.echo(f"not repaired: {difference}")
    if last.differences:
        raise click.exceptions.Exit(1)


@board.command()
@click.argument("scope", required=False)
@click.argument("period", required=False)
@click.option("--all", "everything", is_flag=True, help="Rebuild every board that is kept.")
@click.option("--from", "start", default="", help="Continue from the position that a stopped rebuild printed.")
@click.pass_obj
def rebuild(target: Target, scope: str | None, period: str | None, everything: bool, start: str) -> None:
    """Rebuild boards from the players' totals.

    Use it after a restore of the table. The boards' own writers rewrite all entries and recount the rank index, while
    updates continue. A stopped rebuild prints the command that continues it.
    """
    if everything == bool(scope):
        raise click.UsageError("Name the SCOPE to rebuild, or give --all.")
    if everything and start:
        raise click.UsageError("--from continues the rebuild of one board: name its SCOPE and PERIOD.")
    context = _context_for(target)
    for name in kept_boards(context) if scope is None else [find_board(context, scope, period)]:
        requested, progress = Ordered(0, start), Progress()
        try:
            for requested in rebuild_board(context, name, start):
                progress.update(f"{name}: {counted(requested.entries, 'entry', 'entries')} requested")
        except BaseException as error:
            if requested.place and not isinstance(error, InvalidRequest):
                board_name = " ".join(name.split("#"))
                click.echo(f"\nTo continue: laurel board rebuild {board_name} --from {requested.place}", err=True)
            raise
        entries = counted(requested.entries, "entry", "entries")
        progress.end(f"{name}: rewrites of {entries} and of the rank index requested")


@board.command()
@click.option(
    "--wait",
    "seconds",
    default=120.0,
    show_default=True,
    type=click.FloatRange(0, 3600),
    help="Seconds to wait for the backlog, which is checked twice, and for writers that freeze their boards.",
)
@click.pass_obj
def rotate(target: Target, seconds: float) -> None:
    """Freeze and archive the boards of periods that have ended, and pay ranks.

    The schedule does the same every five minutes. Running it twice is safe: each rank is paid once. A held board waits
    for events that were received in time and are not applied yet.
    """
    context, steps = _context_for(target), dict[str, Step]()
    while True:
        rotation = rotate_boards(context)
        for name, step in rotation.steps.items():
            if steps.get(name) is not step:
                click.echo(f"{name}: {rotation.texts[name]}")
        steps |= rotation.steps
        seconds -= POLL_S
        if rotation.failed or not rotation.waiting or seconds < 0:
            break
        _pause(POLL_S)
    for scope, error in rotation.failed.items():
        click.echo(f"{scope}: {error or type(error).__name__}", err=True)
    rotated = Counter(steps.values())[Step.ROTATED]
    waiting = ", others are waiting" if rotation.waiting else ""
    click.echo(f"{rotated:,} rotated{waiting}", err=True)
    if rotation.failed:
        raise click.exceptions.Exit(1)


def _context_for(target: Target) -> Context:
    """Return the context.

    With another ruleset, correct entries would differ, and boards would be frozen and paid wrongly.
    """
    refuse_other_ruleset(target)
    return target.context


def _show_read(progress: Progress, entries: int) -> None:
    progress.update(f"{counted(entries, 'entry', 'entries')} read")


def _show_repair(progress: Progress, shard: str, repair: Repair) -> None:
    if not repair.counted:
        what = f"entries counted up to {repair.cursor or '-'}"
    else:
        what = f"rank index corrected for scores below {repair.low:,}"
    progress.update(f"{shard}: repair, step {repair.step}: {what}")


def _summary(verified: Verified) -> str:
    parts = [counted(verified.entries, "entry", "entries"), counted(verified.nodes, "node")]
    parts.append(counted(len(verified.differences), "difference"))
    if verified.in_flight:
        parts.append(f"{verified.in_flight:,} in flight")
    if verified.after_freeze:
        parts.append(f"{verified.after_freeze:,} after freeze")
    if not verified.proven:
        parts.append("not verified in time")
    if verified.more:
        parts.append("too many differences to list all: rebuild the board")
    return f"{verified.board}: {', '.join(parts)}"


def _pause(seconds: float) -> None:
    time.sleep(seconds)
