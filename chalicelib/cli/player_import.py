"""`laurel player import`: players with XP, badges, streaks and balances from another system."""

from __future__ import annotations

import getpass
import tempfile
import time
from functools import partial
from pathlib import Path

import click

from chalicelib.cli.output import Progress, counted
from chalicelib.cli.replay import local_copy
from chalicelib.cli.target import Target, refuse_other_ruleset
from chalicelib.domain.core.errors import ConflictingState
from chalicelib.domain.identity.permissions import ADMIN
from chalicelib.services.identity.authenticate import Caller
from chalicelib.services.operations.rejected_imports import rejected_players
from chalicelib.services.progress.import_lines import MAX_FAULTS, Checked, check_lines, check_name, lines_of
from chalicelib.services.progress.import_players import Imported, import_players, preview_import


@click.command("import")
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True))
@click.option(
    "--name",
    required=True,
    help="Name of the import, for example of the other system. Each player is imported once under a name.",
)
@click.option("--dry-run", is_flag=True, help="Check the file and print what would be imported.")
@click.option("--again", is_flag=True, help="Import a file again that was imported under another name.")
@click.option(
    "--wait",
    "seconds",
    default=120.0,
    show_default=True,
    type=click.FloatRange(0, 3600),
    help="Give up when no player was imported for so many seconds.",
)
@click.pass_obj
def import_(target: Target, file: str, name: str, dry_run: bool, again: bool, seconds: float) -> None:
    """Import players from FILE (- for standard input): JSON lines, one player per line.

    A line has the members player, displayName, private, xp, actions, badges, streak and balances; all but player are
    optional. The whole file is checked first: if a line is bad, nothing is imported. The figures are added to those of
    the player. Running an import again under the same name changes nothing; after Ctrl-C it continues.
    """
    refuse_other_ruleset(target)
    check_name(name)
    context = target.context
    with tempfile.TemporaryDirectory() as folder:
        path = local_copy(file, Path(folder))
        with path.open("rb") as lines:
            checked = check_lines(context, name, lines)
        _refuse_bad(checked)
        with path.open("rb") as lines:
            read = lines_of(context, name, lines)
            if dry_run:
                _print_preview(checked, *preview_import(context, name, read))
                return
            caller, progress = Caller(_operator(), "laurel player import", frozenset([ADMIN])), Progress()
            report = partial(_show, progress, checked.players)
            try:
                imported = import_players(
                    context, caller, name, checked, read, report=report, sleep=_sleep, wait_s=seconds, again=again
                )
            except ConflictingState as error:
                raise click.ClickException(f"{error} Use that name, or --again.") from error
            except KeyboardInterrupt:
                click.echo("\nstopped; the same command continues", err=True)
                raise click.exceptions.Exit(130) from None
    rejected = rejected_players(context, name, imported.waiting.keys()) if imported.waiting else {}
    _print_result(progress, checked, imported, rejected)


def _refuse_bad(checked: Checked) -> None:
    if not checked.bad:
        return
    for number, sentence in checked.faults:
        click.echo(f"line {number}: {sentence}", err=True)
    if checked.bad > len(checked.faults):
        click.echo(f"{checked.bad - len(checked.faults):,} more bad lines", err=True)
    raise click.ClickException(f"{counted(checked.bad, 'bad line')}; nothing was imported.")


def _show(progress: Progress, players: int, imported: Imported) -> None:
    progress.update(f"{imported.done:,} of {counted(players, 'player')}")


def _print_preview(checked: Checked, known: Imported, new: int) -> None:
    balances = [f"{amount:,} {asset}" for asset, amount in sorted(checked.balances.items())]
    sums = [f"{checked.xp:,} XP", counted(checked.badges, "badge"), *balances]
    click.echo(f"{counted(checked.players, 'player')}: {', '.join(sums)}")
    click.echo(f"{new:,} to import, {known.unchanged:,} imported before, {counted(known.conflicts, 'conflict')}")
    _print_conflicts(known)


def _print_result(progress: Progress, checked: Checked, imported: Imported, rejected: dict[str, str]) -> None:
    parts = [f"{imported.imported:,} imported", f"{imported.unchanged:,} unchanged"]
    parts.append(counted(imported.conflicts, "conflict"))
    if rejected:
        parts.append(f"{len(rejected):,} rejected")
    waiting = len(imported.waiting) - len(rejected)
    if waiting:
        parts.append(f"{waiting:,} queued and not applied yet")
    progress.end(f"{counted(checked.players, 'player')}: {', '.join(parts)}")
    _print_conflicts(imported)
    for player, sentence in list(rejected.items())[:MAX_FAULTS]:
        click.echo(f"line {imported.waiting[player].number}: '{player}' was rejected: {sentence}", err=True)
    if waiting:
        click.echo("Run the same command again to see the result; `laurel dlq list` shows failures.", err=True)
    if imported.conflicts or imported.waiting:
        raise click.exceptions.Exit(1)


def _print_conflicts(imported: Imported) -> None:
    for number, player in imported.refused:
        click.echo(f"line {number}: '{player}' got other figures from this import before; unchanged", err=True)
    if imported.conflicts > len(imported.refused):
        click.echo(f"{imported.conflicts - len(imported.refused):,} more conflicts", err=True)


def _operator() -> str:
    """Return the login of the operator, for the audit log. A container may have no user."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def _sleep(seconds: float) -> None:
    time.sleep(seconds)
