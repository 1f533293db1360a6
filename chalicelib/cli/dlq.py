"""`laurel dlq`: list, show and redrive failed messages."""

from __future__ import annotations

import click
import msgspec

from chalicelib.cli.output import counted
from chalicelib.cli.target import Target
from chalicelib.domain.core.errors import InvalidRequest
from chalicelib.domain.core.json_values import too_deep
from chalicelib.domain.core.periods import moment_name
from chalicelib.domain.core.queues import BOARDS_DEAD_LETTER, DEAD_LETTER, REJECTED
from chalicelib.domain.events.formats import MAX_WRITTEN_DEPTH
from chalicelib.domain.events.rejections import Rejections
from chalicelib.services.events.failed_messages import FailedMessage
from chalicelib.services.operations.list_failures import MAX_LISTED, find_failure, list_failures
from chalicelib.services.operations.redrive_failures import MAX_REDRIVEN, Redriven, redrive_failures

# A queue's name on AWS -> its short name in the code.
QUEUES = {"rejected": REJECTED, "dead-letter": DEAD_LETTER, "boards-dead-letter": BOARDS_DEAD_LETTER}
USUAL = ("rejected", "dead-letter")

# Lines for a terminal; further messages are only counted.
MAX_REFUSED = 50

queue_option = click.option(
    "--queue",
    "queues",
    multiple=True,
    default=USUAL,
    show_default=True,
    type=click.Choice(list(QUEUES)),
    help="The queue to search; may be given several times.",
)
after_option = click.option("--after", default="", metavar="CURSOR", help="Continue after CURSOR; needs one --queue.")


@click.group()
def dlq() -> None:
    """List, show and redrive failed messages.

    Queues: rejected (messages that can never be valid), dead-letter (events that kept failing), boards-dead-letter
    (failed score updates).
    """


@dlq.command("list")
@queue_option
@click.option(
    "--limit", default=MAX_LISTED, show_default=True, type=click.IntRange(1, 10_000), help="Maximum per queue."
)
@after_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line, with bodies.")
@click.pass_obj
def list_(target: Target, queues: tuple[str, ...], limit: int, after: str, as_json: bool) -> None:
    """List failed messages.

    They are in the queues and, once archived, in the table.
    """
    _check_cursor(queues, after)
    listed = 0
    for name in queues:
        try:
            listing = list_failures(target.context, QUEUES[name], limit, after, with_bodies=as_json)
        except InvalidRequest as error:
            raise click.UsageError(str(error)) from error
        for failed in listing.found:
            click.echo(msgspec.json.encode(_facts(name, failed)).decode() if as_json else _line(name, failed))
        listed += len(listing.found)
        if listing.after is not None:
            click.echo(f"{name}: there may be more: --queue {name} --after '{listing.after}'", err=True)
        elif not listing.complete:
            click.echo(
                f"{name}: there may be more in the queue than {counted(len(listing.found), 'message')}", err=True
            )
    click.echo(counted(listed, "message"), err=True)


@dlq.command()
@click.argument("failure_id", metavar="ID")
@queue_option
@click.pass_obj
def show(target: Target, failure_id: str, queues: tuple[str, ...]) -> None:
    """Print one failed message with body, reason, attempts and digest."""
    for name in queues:
        failed = find_failure(target.context, QUEUES[name], failure_id)
        if failed:
            facts = msgspec.json.encode(_facts(name, failed))
            click.echo(msgspec.json.format(facts, indent=2).decode())
            return
    raise click.ClickException(f"No message '{failure_id}' in {' or '.join(queues)}.")


@dlq.command()
@click.argument("failure_ids", metavar="ID...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Redrive all messages that can be redriven.")
@click.option(
    "--limit", default=MAX_REDRIVEN, show_default=True, type=click.IntRange(1), help="Maximum per queue with --all."
)
@after_option
@queue_option
@click.pass_obj
def redrive(
    target: Target, failure_ids: tuple[str, ...], everything: bool, limit: int, after: str, queues: tuple[str, ...]
) -> None:
    """Send failed messages to their original queue again.

    Of a rejected message, only the rejected events are sent. Each event keeps its identity and its age: an event that
    was applied before is not applied again.
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
        raise click.UsageError("--after continues in one queue: name it with --queue.")


def _line(queue: str, failed: FailedMessage) -> str:
    where = f"{queue}, archived" if failed.archived and queue != "rejected" else queue
    reason = f"{failed.reason}: {failed.sentence}" if failed.sentence else failed.reason
    counts = failed.rejections.counts() if failed.rejections else {}
    if sum(counts.values()) > 1:
        reason += f" ({', '.join(f'{number} {name}' for name, number in counts.items())})"
    return f"{failed.id}  {where}  from {failed.origin}  {moment_name(failed.received_ms)}  {reason}"


def _facts(queue: str, failed: FailedMessage) -> dict[str, object]:
    return {
        "id": failed.id,
        "queue": queue,
        "origin": failed.origin,
        "reason": failed.reason,
        "sentence": failed.sentence,
        **(_rejected(failed.rejections) if failed.rejections else {}),
        "attempts": failed.attempts,
        "receivedAt": moment_name(failed.received_ms),
        "bodySha256": failed.body_hash,
        "archived": failed.archived,
        "body": None if failed.body is None else _decoded(failed.body),
    }


def _rejected(rejections: Rejections) -> dict[str, object]:
    """Return `rejected`: reason -> positions of rejected events in the body; and `sentences` of the first ten."""
    sentences = [{"index": index, "sentence": sentence} for index, sentence in rejections.sentences]
    return {"rejected": rejections.indexes, "sentences": sentences}


def _decoded(body: str) -> object:
    """Return decoded JSON. Text that is not JSON, or nests too deeply to be encoded again, stays text."""
    try:
        decoded = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return body
    return body if too_deep(decoded, MAX_WRITTEN_DEPTH) else decoded
