"""Workers of the event queues: public, internal, backfill."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from chalice.app import Blueprint

from chalicelib.observability import count, logger, observed
from chalicelib.services.progress.process_messages import Report, process_messages
from chalicelib.workers.invocation import within_invocation
from chalicelib.workers.sqs import failures, messages_of

worker = Blueprint(__name__)


@worker.on_sqs_message(queue="events", batch_size=100)
@observed
def progress(event: Any) -> dict[str, Any]:
    """Process events that gateways send."""
    return _run("events", event)


@worker.on_sqs_message(queue="own", batch_size=100)
@observed
def progress_own(event: Any) -> dict[str, Any]:
    """Process Laurel's internal events."""
    return _run("own", event)


@worker.on_sqs_message(queue="backfill", batch_size=100)
@observed
def progress_backfill(event: Any) -> dict[str, Any]:
    """Process old events that an admin sends."""
    return _run("backfill", event)


def _run(queue: str, event: Any) -> dict[str, Any]:
    laurel = within_invocation(event.context)
    messages = messages_of(event.to_dict())
    began = laurel.now_ms()
    report = process_messages(laurel, queue, messages)
    _report(queue, report, len(messages), laurel.now_ms() - began, laurel.now_ms() - report.oldest_ms)
    return failures(report.failed)


def _report(queue: str, report: Report, messages: int, batch_ms: int, lag_ms: int) -> None:
    """Write the log line and the metrics of an invocation, and a log line for each failure."""
    done = [outcome for outcome in report.outcomes if outcome.failed is None]
    applied = sum(len(outcome.applied) for outcome in done)
    unknown = [type_ for outcome in done for type_ in outcome.unknown]
    count("EventsApplied", applied - len(unknown))
    count("EventsDuplicate", sum(outcome.duplicates for outcome in done))
    count("EventsMismatched", sum(outcome.mismatches for outcome in done))
    count("EventsUnknown", len(unknown))
    count("EventsRejected", sum(report.rejected.values()))
    count("XpPaid", sum(outcome.xp_paid for outcome in done))
    count("WriteConflicts", sum(outcome.conflicts for outcome in report.outcomes))
    count("MessagesFailed", len(report.failed))
    count("BatchTime", batch_ms, MetricUnit.Milliseconds)
    count("QueueLag", lag_ms, MetricUnit.Milliseconds)
    for reason, number in report.rejected.items():
        count(f"EventsRejected.{reason}", number)
    for message_id, error in report.failed.items():
        logger.warning("message failed", extra={"queue": queue, "message_id": message_id, "error": repr(error)})
    logger.info(
        "batch",
        extra={
            "queue": queue,
            "messages": messages,
            "applied": applied,
            "unknown_types": sorted(set(unknown))[:20],
            "rejected": report.rejected,
            "failed": len(report.failed),
            "players": [outcome.player for outcome in report.outcomes][:20],
            "event_ids": [applied.entry.id for outcome in done for applied in outcome.applied][:20],
            "ms": batch_ms,
        },
    )
