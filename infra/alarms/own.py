"""Alarms of metrics that Laurel writes itself, with the stage's name as their dimension."""

from __future__ import annotations

from chalicelib.services.operations.archive_failures import ARCHIVE_AFTER_MS
from chalicelib.services.operations.finish_run import LATE_MS
from chalicelib.workers.finish import heartbeat
from infra.alarms.alarm import BELOW, PERIOD_S, Alarm, Metric
from infra.policies import function_name
from infra.settings import DAY_S, FUNCTION, Build

NAMESPACE = "Laurel"
HOUR_S = 3600
HELD_MINUTES = 30  # most freezes are held for ten: two runs of rotate
MAX_OUTBOX_AGE_S = 300  # five runs of the sweep
# A message is archived by the run after it is ten days old, or by the next one.
MAX_FAILURE_AGE_S = ARCHIVE_AFTER_MS // 1000 + DAY_S // 2
MAX_UNAVAILABLE = 10
WATCHED_BY_HEARTBEAT = "the heartbeat reports that the function does not finish"
LAST_RESULT = "the result holds until the next one; the heartbeat reports that there is none"
NOT_WRITTEN = "it is written only when it happens"


def alarms(build: Build) -> list[Alarm]:
    return [_heartbeat(build, function) for function in LATE_MS] + _counts(build) + _ages(build)


def _own(build: Build, name: str, statistic: str) -> Metric:
    return Metric(NAMESPACE, name, statistic, {"service": build.prefix})


def _heartbeat(build: Build, function: str) -> Alarm:
    """Return the alarm for a scheduled function that has not finished a run for too long.

    CloudWatch allows a window of a day, of seven days with periods of an hour or more.
    """
    window_s = LATE_MS[function] // 1000
    period_s = min(window_s, HOUR_S)
    text = f"{function_name(build, FUNCTION[function])} has not finished a run for {_duration(window_s)}."
    return Alarm(
        f"{FUNCTION[function].logical_id}HeartbeatAlarm",
        f"{FUNCTION[function].suffix}-heartbeat",
        "Heartbeats",
        text,
        _own(build, heartbeat(function), "Sum"),
        1,
        "breaching",
        "only a run that has finished writes it",
        comparison=BELOW,
        period_s=period_s,
        periods=window_s // period_s,
    )


def _duration(seconds: int) -> str:
    return f"{seconds // HOUR_S} hours" if seconds >= HOUR_S else f"{seconds // 60} minutes"


def _counts(build: Build) -> list[Alarm]:
    return [
        Alarm(
            "ApiUnavailableAlarm",
            "api-unavailable",
            "api-unavailable",
            f"The API answered more than {MAX_UNAVAILABLE} requests of five minutes with 503.",
            _own(build, "ServiceUnavailable", "Sum"),
            MAX_UNAVAILABLE,
            "notBreaching",
            NOT_WRITTEN,
        ),
        Alarm(
            "BoardDifferencesAlarm",
            "board-differences",
            "board-differences",
            "Boards differ from their players' totals or their rank index; see: laurel board verify.",
            _own(build, "BoardDifferences", "Maximum"),
            0,
            "ignore",
            LAST_RESULT,
            period_s=HOUR_S,
        ),
        Alarm(
            "LedgerDifferencesAlarm",
            "ledger-differences",
            "ledger-differences",
            "The nightly check found differences in the ledger; see: laurel ledger verify.",
            _own(build, "LedgerDifferences", "Maximum"),
            0,
            "ignore",
            LAST_RESULT,
            period_s=HOUR_S,
        ),
        Alarm(
            "BoardUpdatesRejectedAlarm",
            "board-updates-rejected",
            "board-updates-rejected",
            "The writer of boards rejected a score update; see: laurel dlq list.",
            _own(build, "BoardUpdatesRejected", "Sum"),
            0,
            "notBreaching",
            "the worker writes it only when it gets messages",
        ),
        Alarm(
            "FailuresNotArchivedAlarm",
            "failures-not-archived",
            "failures-not-archived",
            "Failed messages could not be archived in the table before their queue deletes them.",
            _own(build, "FailuresNotArchived", "Sum"),
            0,
            "ignore",
            LAST_RESULT,
        ),
    ]


def _ages(build: Build) -> list[Alarm]:
    held = f"A board has waited {HELD_MINUTES} minutes for its freeze: some of its events are not applied yet"
    return [
        # Written every five minutes, in whole minutes.
        Alarm(
            "FreezeHeldAlarm",
            "freeze-held",
            "freeze-held",
            f"{held}; see: laurel board rotate.",
            _own(build, "FreezeHeldMinutes", "Maximum"),
            HELD_MINUTES - 1,
            "notBreaching",
            WATCHED_BY_HEARTBEAT,
            period_s=2 * PERIOD_S,
        ),
        Alarm(
            "OutboxAgeAlarm",
            "outbox-age",
            "outbox-age",
            f"A row of the outbox has not been sent for {MAX_OUTBOX_AGE_S // 60} minutes.",
            _own(build, "OutboxAge", "Maximum"),
            MAX_OUTBOX_AGE_S,
            "notBreaching",
            WATCHED_BY_HEARTBEAT,
        ),
        # SQS's own age of the oldest message skips messages that were received three times, as archive receives them.
        Alarm(
            "FailureAgeAlarm",
            "failure-age",
            "failure-age",
            f"A failed message is {MAX_FAILURE_AGE_S / DAY_S:g} days old and not archived; its queue keeps it for 14.",
            _own(build, "FailureAge", "Maximum"),
            MAX_FAILURE_AGE_S,
            "ignore",
            LAST_RESULT,
        ),
    ]
