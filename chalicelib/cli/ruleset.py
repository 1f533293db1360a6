"""`laurel ruleset`: check a ruleset before it is deployed, apply it to the players who exist after."""

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
    """Work with rulesets."""


@ruleset.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def check(file: Path) -> None:
    """Say whether FILE may be used; if not, which key is wrong and why."""
    rules = rulesets.load(file)
    found = rules.ruleset
    click.echo(f"OK: {file}: version {found.version}")
    click.echo(
        f"{counted(len(found.actions), 'action')}, {counted(len(found.events), 'event type')}, "
        f"{counted(len(found.badges), 'badge')}, {counted(len(found.boards), 'board')}, "
        f"{counted(rules.levels.cap, 'level')}"
    )


@ruleset.command()
@click.option("--dry-run", is_flag=True, help="Only say what it would do.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--again", is_flag=True, help="Tell all boards once more, though nobody has anything new.")
@click.pass_obj
def apply(target: Target, dry_run: bool, yes: bool, again: bool) -> None:
    """Carry the deployed ruleset to the players who exist: badges already met are granted, levels recomputed (each
    level's reward once ever), entries of open boards written anew. Deploy it first, then name the same file: laurel
    --ruleset FILE ruleset apply. Stopped half-way, run it again: it goes on where it was."""
    require_deployed_ruleset(target)
    context = target.context
    click.echo(f"ruleset {context.rules.id}")
    effect = preview_ruleset(context)
    _tell(effect)
    run = current_run(context)
    if run and run.done_ms and not effect.changed and not again:
        click.echo(f"nothing to do: it was applied at {moment_name(run.done_ms)}; --again tells all boards once more")
        return
    if run and not run.done_ms:
        click.echo(f"a run was stopped after {counted(run.sent, 'player')}; it goes on there")
    if dry_run or not (yes or click.confirm("Apply it?")):
        return
    sent, progress = 0, Progress()
    for sent in apply_ruleset(context):
        progress.tell(f"{sent:,} of {counted(effect.players, 'player')} queued")
    progress.end(f"{counted(sent, 'player')} queued; the workers do the rest")


def _tell(effect: Effect) -> None:
    click.echo(f"{counted(effect.players, 'player')}, {effect.changed:,} of them with something new")
    for badge, number in sorted(effect.badges.items()):
        click.echo(f"  badge {badge}: {counted(number, 'player')}")
    for asset, amount in sorted(effect.credits.items()):
        click.echo(f"  {amount:,} {asset} for {counted(effect.levels_reached, 'level')} reached")
    if effect.levels_lost:
        click.echo(f"  {counted(effect.levels_lost, 'level')} lost; their rewards stay")
    click.echo(f"  {effect.xp:,} XP")
