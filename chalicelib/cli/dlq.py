"""`laurel dlq`: what was rejected or kept failing, why, and sending it again."""

from __future__ import annotations

import click
import msgspec

from chalicelib.cli.output import counted
from chalicelib.cli.target import Target
from chalicelib.domain.core.errors import InvalidRequest
from chalicelib.domain.core.periods import moment_name
from chalicelib.domain.core.queues import BOARDS_DEAD_LETTER, DEAD_LETTER, REJECTED
from chalicelib.domain.events.formats import MAX_WRITTEN_DEPTH, too_deep
from chalicelib.domain.events.rejections import Rejections
from chalicelib.services.events.failed_messages import Parked
from chalicelib.services.operations.list_failures import MAX_LISTED, find_failure, list_failures
from chalicelib.services.operations.redrive_failures import MAX_REDRIVEN, Redriven, redrive_failures

# Queues as they are called on AWS -> by what the code calls them.
QUEUES = {"rejected": REJECTED, "dead-letter": DEAD_LETTER, "boards-dead-letter": BOARDS_DEAD_LETTER}
USUAL = ("rejected", "dead-letter")

# Lines of a terminal; the rest is told by number.
MAX_REFUSED = 50

chosen = click.option(
    "--queue",
    "queues",
    multiple=True,
    default=USUAL,
    show_default=True,
    type=click.Choice(list(QUEUES)),
    help="Where to look; give it several times for several.",
)
going_on = click.option("--after", default="", metavar="CURSOR", help="Go on from here; needs one --queue.")


@click.group()
def dlq() -> None:
    """Messages set aside: rejected (can never be valid) and dead-letter (kept failing)."""


@dlq.command("list")
@chosen
@click.option(
    "--limit", default=MAX_LISTED, show_default=True, type=click.IntRange(1, 10_000), help="At most, a queue."
)
@going_on
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, bodies included.")
@click.pass_obj
def list_(target: Target, queues: tuple[str, ...], limit: int, after: str, as_json: bool) -> None:
    """List what lies in the table and what waits in the queues."""
    _check_cursor(queues, after)
    shown = 0
    for name in queues:
        try:
            listing = list_failures(target.context, QUEUES[name], limit, after, with_bodies=as_json)
        except InvalidRequest as error:
            raise click.UsageError(str(error)) from error
        for parked in listing.found:
            click.echo(msgspec.json.encode(_facts(name, parked)).decode() if as_json else _line(name, parked))
        shown += len(listing.found)
        if listing.after is not None:
            click.echo(f"{name}: there may be more: --queue {name} --after '{listing.after}'", err=True)
        elif not listing.complete:
            click.echo(
                f"{name}: there may be more in the queue than {counted(len(listing.found), 'message')}", err=True
            )
    click.echo(counted(shown, "message"), err=True)


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
@click.option(
    "--limit", default=MAX_REDRIVEN, show_default=True, type=click.IntRange(1), help="Of --all, at most, a queue."
)
@going_on
@chosen
@click.pass_obj
def redrive(
    target: Target, failure_ids: tuple[str, ...], everything: bool, limit: int, after: str, queues: tuple[str, ...]
) -> None:
    """Send messages again to the queue they came from; of a rejected one, the events that were rejected.

    Each event keeps its identity and its age: one that was applied before is not applied again, one that is valid
    now is.
    """
    if everything == bool(failure_ids):
        raise click.UsageError("Name the messages to redrive, or give --all.")
    _check_cursor(queues, after)
    done: set[str] = set()
    refused: dict[str, str] = {}
    for name in queues:
        try:
            ids = None if everything else failure_ids
            result: Redriven = redrive_failures(target.context, QUEUES[name], ids, limit, after)
        except InvalidRequest as error:
            raise click.UsageError(str(error)) from error
        done |= set(result.done)
        refused |= result.refused
        if result.after is not None:
            click.echo(f"{name}: there may be more: --all --queue {name} --after '{result.after}'", err=True)
    for failure_id, reason in list(refused.items())[:MAX_REFUSED]:
        click.echo(f"{failure_id}: not redriven: {reason}", err=True)
    if len(refused) > MAX_REFUSED:
        click.echo(f"{len(refused) - MAX_REFUSED} more not redriven", err=True)
    missing = [each for each in failure_ids if each not in done and each not in refused]
    for failure_id in missing:
        click.echo(f"{failure_id}: not in {' or '.join(queues)}", err=True)
    click.echo(f"{counted(len(done), 'message')} redriven")
    if missing or (refused and not everything):
        raise click.exceptions.Exit(1)


def _check_cursor(queues: tuple[str, ...], after: str) -> None:
    if after and len(queues) != 1:
        raise click.UsageError("--after goes on in one queue: name it with --queue.")


def _line(queue: str, parked: Parked) -> str:
    where = f"{queue}, archived" if parked.archived and queue != "rejected" else queue
    reason = f"{parked.reason}: {parked.sentence}" if parked.sentence else parked.reason
    counts = parked.rejections.counts() if parked.rejections else {}
    if sum(counts.values()) > 1:
        reason += f" ({', '.join(f'{number} {name}' for name, number in counts.items())})"
    return f"{parked.id}  {where}  from {parked.origin}  {moment_name(parked.received_ms)}  {reason}"


def _facts(queue: str, parked: Parked) -> dict[str, object]:
    return {
        "id": parked.id,
        "queue": queue,
        "origin": parked.origin,
        "reason": parked.reason,
        "sentence": parked.sentence,
        **(_rejected(parked.rejections) if parked.rejections else {}),
        "attempts": parked.attempts,
        "receivedAt": moment_name(parked.received_ms),
        "bodySha256": parked.body_hash,
        "archived": parked.archived,
        "body": None if parked.body is None else _decoded(parked.body),
    }


def _rejected(rejections: Rejections) -> dict[str, object]:
    """`rejected`: the places of rejected events in the body, by reason; `sentences`: of the first ten."""
    sentences = [{"index": index, "sentence": sentence} for index, sentence in rejections.sentences]
    return {"rejected": rejections.indexes, "sentences": sentences}


def _decoded(body: str) -> object:
    """JSON as JSON; anything else, and what nests too deeply to be written again, as text."""
    try:
        decoded = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return body
    return body if too_deep(decoded, MAX_WRITTEN_DEPTH) else decoded
