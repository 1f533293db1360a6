"""`laurel ruleset`: check a ruleset before its deployment, and apply it to existing players afterwards."""

from __future__ import annotations

from pathlib import Path

import click

from chalicelib.cli.output import Progress, counted
from chalicelib.cli.target import Target, require_deployed_ruleset
from chalicelib.domain.core.periods import moment_name
from chalicelib.domain.rules import ruleset as rulesets
from chalicelib.services.progress.apply_ruleset import Effect, apply_ruleset, current_run, preview_ruleset


@click.group()
def ruleset() -> None:
    """Check and apply rulesets."""


@ruleset.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def check(file: Path) -> None:
    """Check a ruleset file.

    If FILE is not valid, print the wrong key and the reason.
    """
    rules = rulesets.load(file)
    found = rules.ruleset
    click.echo(f"OK: {file}: version {found.version}")
    click.echo(
        f"{counted(len(found.actions), 'action')}, {counted(len(found.events), 'event type')}, "
        f"{counted(len(found.badges), 'badge')}, {counted(len(found.boards), 'board')}, "
        f"{counted(rules.levels.cap, 'level')}"
    )


@ruleset.command()
@click.option("--dry-run", is_flag=True, help="Only print the effect.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@click.option("--again", is_flag=True, help="Queue all players even if none is affected.")
@click.pass_obj
def apply(target: Target, dry_run: bool, yes: bool, again: bool) -> None:
    """Apply the deployed ruleset to existing players.

    Badges that are already met are granted, levels are computed again (the reward of each level is paid once ever), and
    entries of open boards are updated. Deploy the ruleset first, then name the same file: laurel --ruleset FILE ruleset
    apply. A stopped run continues when the command is run again.
    """
    require_deployed_ruleset(target)
    context = target.context
    click.echo(f"ruleset {context.rules.id}")
    effect = preview_ruleset(context)
    _print_effect(effect)
    run = current_run(context)
    if run and run.done_ms and not effect.changed and not again:
        click.echo(f"nothing to do: it was applied at {moment_name(run.done_ms)}; --again queues all players")
        return
    if run and not run.done_ms:
        click.echo(f"continuing a run that stopped after {counted(run.sent, 'player')}")
    if dry_run or not (yes or click.confirm("Apply it?")):
        return
    sent, progress = 0, Progress()
    for sent in apply_ruleset(context):
        progress.update(f"{sent:,} of {counted(effect.players, 'player')} queued")
    progress.end(f"{counted(sent, 'player')} queued")


def _print_effect(effect: Effect) -> None:
    click.echo(f"{counted(effect.players, 'player')}, {effect.changed:,} of them affected")
    for badge, number in sorted(effect.badges.items()):
        click.echo(f"  badge {badge}: {counted(number, 'player')}")
    for asset, amount in sorted(effect.credits.items()):
        click.echo(f"  {amount:,} {asset} for {counted(effect.levels_reached, 'level')} reached")
    if effect.levels_lost:
        click.echo(f"  {counted(effect.levels_lost, 'level')} lost; their rewards are kept")
    click.echo(f"  {effect.xp:,} XP")
