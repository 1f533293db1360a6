"""`laurel dlq`: what was rejected or kept failing, why, and sending it again."""

from __future__ import annotations

import click
import msgspec

from chalicelib.cli.target import Target
from chalicelib.domain.periods import moment_name
from chalicelib.services.list_failures import MAX_LISTED, find_failure, list_failures
from chalicelib.services.parked import BOARDS_DEAD_LETTER, Parked
from chalicelib.services.process_messages import DEAD_LETTER, REJECTED
from chalicelib.services.redrive_failures import redrive_failures

# Queues as they are called on AWS -> by what the code calls them.
QUEUES = {"rejected": REJECTED, "dead-letter": DEAD_LETTER, "boards-dead-letter": BOARDS_DEAD_LETTER}
USUAL = ("rejected", "dead-letter")

chosen = click.option(
    "--queue",
    "queues",
    multiple=True,
    default=USUAL,
    show_default=True,
    type=click.Choice(list(QUEUES)),
    help="Where to look; give it several times for several.",
)


@click.group()
def dlq() -> None:
    """Messages set aside: rejected (can never be valid) and dead-letter (kept failing)."""


@dlq.command("list")
@chosen
@click.option(
    "--limit", default=MAX_LISTED, show_default=True, type=click.IntRange(1, 10_000), help="At most, a queue."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, bodies included.")
@click.pass_obj
def list_(target: Target, queues: tuple[str, ...], limit: int, as_json: bool) -> None:
    """List what waits in the queues and what the table has taken over from them."""
    shown = 0
    for name in queues:
        listing = list_failures(target.context, QUEUES[name], limit)
        for parked in listing.found:
            click.echo(msgspec.json.encode(_facts(name, parked)).decode() if as_json else _line(name, parked))
        shown += len(listing.found)
        if not listing.complete:
            click.echo(f"{name}: there may be more than these {len(listing.found)}", err=True)
    click.echo(f"{shown} message{'' if shown == 1 else 's'}", err=True)


@dlq.command()
@click.argument("failure_id", metavar="ID")
@chosen
@click.pass_obj
def show(target: Target, failure_id: str, queues: tuple[str, ...]) -> None:
    """Print one message whole: body, reason, attempts, digest of the body."""
    for name in queues:
        parked = find_failure(target.context, QUEUES[name], failure_id)
        if parked:
            facts = msgspec.json.encode(_facts(name, parked))
            click.echo(msgspec.json.format(facts, indent=2).decode())
            return
    raise click.ClickException(f"No message '{failure_id}' in {' or '.join(queues)}.")


@dlq.command()
@click.argument("failure_ids", metavar="ID...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All that can be redriven.")
@chosen
@click.pass_obj
def redrive(target: Target, failure_ids: tuple[str, ...], everything: bool, queues: tuple[str, ...]) -> None:
    """Send messages again to the queue they came from.

    Each event keeps its identity and its age: one that was applied before is not applied again, one that is valid
    now is.
    """
    if everything == bool(failure_ids):
        raise click.UsageError("Name the messages to redrive, or give --all.")
    done: set[str] = set()
    refused: dict[str, str] = {}
    for name in queues:
        result = redrive_failures(target.context, QUEUES[name], None if everything else failure_ids)
        done |= set(result.done)
        refused |= result.refused
    for failure_id, reason in refused.items():
        click.echo(f"{failure_id}: not redriven: {reason}", err=True)
    missing = [each for each in failure_ids if each not in done and each not in refused]
    for failure_id in missing:
        click.echo(f"{failure_id}: not in {' or '.join(queues)}", err=True)
    click.echo(f"{len(done)} message{'' if len(done) == 1 else 's'} redriven")
    if missing or (refused and not everything):
        raise click.exceptions.Exit(1)


def _line(queue: str, parked: Parked) -> str:
    where = f"{queue}, archived" if parked.archived else queue
    reason = f"{parked.reason}: {parked.sentence}" if parked.sentence else parked.reason
    return f"{parked.id}  {where}  from {parked.origin}  {moment_name(parked.received_ms)}  {reason}"


def _facts(queue: str, parked: Parked) -> dict[str, object]:
    return {
        "id": parked.id,
        "queue": queue,
        "origin": parked.origin,
        "reason": parked.reason,
        "sentence": parked.sentence,
        "attempts": parked.attempts,
        "receivedAt": moment_name(parked.received_ms),
        "bodySha256": parked.body_hash,
        "archived": parked.archived,
        "body": _decoded(parked.body),
    }


def _decoded(body: str) -> object:
    """JSON as JSON, anything else as text."""
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError:
        return body
