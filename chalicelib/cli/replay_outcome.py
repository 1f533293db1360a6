"""The outcome of a replay: which events cannot be accepted, and how many were applied."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import click

from chalicelib.cli.output import Progress, counted
from chalicelib.services.context import Context
from chalicelib.services.operations.follow_events import TOO_OLD, Followed, examine

POLL_S = 1.0
# A longer file would fill the memory, and its outcome would take longer to read than to send.
MAX_FOLLOWED = 20_000


class BadEvents(ValueError):
    """The events cannot be replayed as asked. The message says what to do."""


def examined(context: Context, queue: str, events: Iterable[dict[str, Any]], *, keep: bool) -> Followed:
    """Return the events as the queue's worker will read them; warn of invalid ones. Raises BadEvents for old ones."""
    found = examine(context, queue, events, keep=keep)
    if old := found.invalid[TOO_OLD]:
        days = context.rules.settings.max_age_days
        hint = "" if queue == "backfill" else ": use --backfill"
        raise BadEvents(
            f"{old:,} of {counted(found.valid + found.invalid.total(), 'event')} would be rejected as older than "
            f"{days} days{hint}. Nothing was sent."
        )
    if number := found.invalid.total():
        click.echo(f"Warning: {counted(number, 'event')} will be rejected; the first: {found.first}", err=True)
    return found


def wait_and_print(context: Context, queue: str, followed: Followed, seconds: float) -> None:
    """Wait until all events are applied, or none was for so many seconds; print the outcome.

    Raises click.exceptions.Exit with status 1 if an event was rejected or is missing.
    """
    progress, quiet = Progress(), 0.0
    followed.update(context)
    while (missing := followed.missing) and quiet < seconds:
        if not context.queues.backlog(queue) and quiet >= 2 * POLL_S:
            break  # nothing is waiting or in flight: the worker rejected the rest
        progress.update(f"{counted(missing, 'event')} not applied yet")
        _sleep(POLL_S)
        followed.update(context)
        quiet = 0.0 if followed.missing < missing else quiet + POLL_S
    progress.end(_outcome(followed))
    if followed.missing or followed.invalid:
        click.echo("show them with: laurel dlq list", err=True)
        raise click.exceptions.Exit(1)


def _outcome(followed: Followed) -> str:
    parts = [f"{followed.applied:,} applied", counted(followed.duplicates, "duplicate")]
    if followed.invalid:
        reasons = ", ".join(f"{reason} {number:,}" for reason, number in sorted(followed.invalid.items()))
        parts.append(f"{followed.invalid.total():,} rejected ({reasons})")
    else:
        parts.append("0 rejected")
    if followed.missing:
        parts.append(f"{followed.missing:,} not applied")
    return ", ".join(parts)


def _sleep(seconds: float) -> None:
    time.sleep(seconds)
