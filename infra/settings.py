"""Settings that all modules of infra share: queues, functions, stages and their limits."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from infra import access
from infra.access import Access

Target = Literal["aws", "local"]

APP = "laurel"
ROOT = Path(__file__).resolve().parent.parent
RUNBOOK = "docs/runbook.md"
BUILD = ROOT / "build"
API_FUNCTION = "api_handler"
API_STAGE = "laurel"  # the first path segment of every URL, on AWS and locally
LOCAL_HOST = "127.0.0.1"
ORDER_INDEX = "order-index"
# The key `order` holds score, moment and player: the size of an entry here is its cost on every read of a page.
INDEX_ATTRIBUTES = ["public", "name", "private", "level", "title"]

DAY_S = 86_400
SOURCE_S = 4 * DAY_S
FAILURES_S = 14 * DAY_S  # the maximum of SQS
MAX_RECEIVES = 10
SOURCES = ("events", "own", "backfill")  # keys of the queues that deliver events
ALL_QUEUES = (*SOURCES, "boards", "rejected", "dead_letter", "boards_dead_letter")
MAX_EVENT_MESSAGE = 256 * 1024
MAX_EVENT_AGE_S = 60  # the minimum of Lambda
VISIBILITY_FACTOR = 6  # AWS: the visibility timeout of a queue is at least six function timeouts
# On one machine, more invocations of a queue's function at a time only wait for each other: ten took 2.7 times the CPU
# of two for the sample, in retries after conflicts and in cold starts.
LOCAL_CONCURRENCY = 2
THREADS = 8  # parallel calls of one invocation


class SettingError(ValueError):
    """A setting of the build is wrong. The message is one clear sentence."""


@dataclass(frozen=True)
class Queue:
    """An SQS queue. `key`: names the variable LAUREL_<KEY>_QUEUE. `name`: names the queue laurel-<stage>-<name>."""

    key: str
    logical_id: str
    name: str
    retention_s: int
    visibility_s: int = 30
    dead_letter: str | None = None
    max_age_s: int | None = None  # alarm when the oldest message is older
    max_depth: int | None = None  # alarm when more messages than this wait

    @property
    def fifo(self) -> bool:
        return self.name.endswith(".fifo")


@dataclass(frozen=True)
class Function:
    """A Lambda function. `name`: as Chalice calls it. `handler`: imported by Lambda. Memory in MB, timeout in seconds.

    `counts`: queues whose messages it counts. `table`: what it may do with items. `threads`: its parallel calls.
    `extra`: an extra of pyproject.toml; its packages are a Lambda layer of the function.
    """

    name: str
    logical_id: str
    handler: str
    memory_mb: int
    timeout_s: int
    queue: str | None = None
    batch_size: int = 0
    window_s: int = 0
    concurrency: int | None = None
    consumes: tuple[str, ...] = ()
    sends: tuple[str, ...] = ()
    counts: tuple[str, ...] = ()
    table: tuple[Access, ...] = ()
    publishes: bool = False
    threads: int = THREADS
    extra: str | None = None

    @property
    def suffix(self) -> str:
        return self.name.replace("_", "-").removesuffix("-handler")

    @property
    def is_scheduled(self) -> bool:
        """Return whether a schedule starts it: neither requests nor a queue."""
        return self.queue is None and self.name != API_FUNCTION

    @property
    def role_id(self) -> str:
        return "".join(part.capitalize() for part in self.name.split("_")) + "Role"

    @property
    def event_id(self) -> str:
        return f"{self.logical_id}SqsEventSource"


# Memory buys CPU on Lambda: 1,769 MB is one core. Progress is bound by the SDK's CPU, so 1,024 MB halves its batch time
# for about the same money; the others wait for the network. 29 s is API Gateway's own limit. A batch of 100 events is
# at most 100 players of two calls each: about 2 s, so 60 s leave room for conflicts.
FUNCTIONS = (
    Function(
        API_FUNCTION, "APIHandler", "chalicelib.api.app.app", 512, 29,
        sends=("events", "own"), counts=ALL_QUEUES, table=access.API, publishes=True,
    ),
    Function(
        "progress", "Progress", "chalicelib.workers.progress.progress", 1024, 60,
        queue="events", batch_size=100, window_s=1, concurrency=10,
        sends=("boards", "rejected"), table=access.PROGRESS, publishes=True,
    ),
    Function(
        "progress_own", "ProgressOwn", "chalicelib.workers.progress.progress_own", 1024, 60,
        queue="own", batch_size=100, window_s=1, concurrency=5,
        sends=("boards", "rejected"), table=access.PROGRESS, publishes=True,
    ),
    # Two invocations at a time: an import must not slow down live events at the table and the boards.
    Function(
        "progress_backfill", "ProgressBackfill", "chalicelib.workers.progress.progress_backfill", 1024, 60,
        queue="backfill", batch_size=100, window_s=1, concurrency=2,
        sends=("boards", "rejected"), table=access.PROGRESS, publishes=True,
    ),
    # FIFO sources deliver at most 10 messages without a window, and one batch of a board at a time: 2,000 score updates
    # are some 2,500 writes, as many in parallel as the client has connections. A repair requests its own next turn.
    Function(
        "boards", "Boards", "chalicelib.workers.boards.boards", 1024, 120,
        queue="boards", batch_size=10, sends=("boards",), table=access.BOARDS, threads=32,
    ),
    # It runs every five minutes for at most as long; the next run continues what one leaves.
    Function(
        "rotate", "Rotate", "chalicelib.workers.rotate.rotate", 512, 300,
        sends=("boards", "own"), counts=SOURCES, table=access.ROTATE, publishes=True,
    ),
    # Mostly there is nothing to send: sixteen queries a minute.
    Function(
        "sweep", "Sweep", "chalicelib.workers.sweep.sweep", 256, 60,
        sends=("own",), table=access.SWEEP, publishes=True,
    ),
    # It verifies as long as Lambda's maximum timeout allows, which determines the boards verified per hour. It repairs
    # nothing, and writes only that it has finished.
    Function(
        "verify", "Verify", "chalicelib.workers.verify.verify", 1024, 900,
        table=access.VERIFY,
    ),
    # Its schedule is short so that a long check continues soon; once the day's check is done, a run reads two rows.
    Function(
        "verify_ledger", "VerifyLedger", "chalicelib.workers.verify_ledger.verify_ledger", 1024, 900,
        table=access.VERIFY_LEDGER,
    ),
    # Eighty messages a round, a row each: some 300,000 in 5 minutes at 5 ms a call.
    Function(
        "archive", "Archive", "chalicelib.workers.archive.archive", 512, 300,
        consumes=("rejected", "dead_letter", "boards_dead_letter"), table=access.ARCHIVE,
    ),
)  # fmt: skip


def _visibility(queue: str) -> int:
    return max(VISIBILITY_FACTOR * function.timeout_s for function in FUNCTIONS if function.queue == queue)


# Not six timeouts: a board gets no writes while the messages of a dead writer are hidden. One and a half timeouts leave
# Lambda time to hand over a batch, and a writer that is still alive fails on the conditions of its writes.
BOARDS_VISIBILITY_S = 180

QUEUES = (
    Queue("events", "EventsQueue", "events", SOURCE_S, _visibility("events"), "dead_letter", 300),
    Queue("own", "OwnQueue", "own", SOURCE_S, _visibility("own"), "dead_letter", 300),
    Queue("backfill", "BackfillQueue", "backfill", SOURCE_S, _visibility("backfill"), "dead_letter", 21_600),
    Queue("boards", "BoardsQueue", "boards.fifo", SOURCE_S, BOARDS_VISIBILITY_S, "boards_dead_letter", 300),
    # Longer than one run of archive, so that no message is delivered to a run twice.
    Queue("rejected", "RejectedQueue", "rejected", FAILURES_S, 360, max_depth=100),
    Queue("dead_letter", "DeadLetterQueue", "dead-letter", FAILURES_S, 360, max_depth=0),
    Queue("boards_dead_letter", "BoardsDeadLetterQueue", "boards-dead-letter.fifo", FAILURES_S, max_depth=0),
)  # fmt: skip

FUNCTION = {function.name: function for function in FUNCTIONS}
QUEUE = {queue.key: queue for queue in QUEUES}
ORIGIN_SHAPE = re.compile(r"\*|https?://[A-Za-z0-9.:-]+")
TABLE_SHAPE = re.compile(r"[A-Za-z0-9_.-]{3,255}")
# A path or a URL, so that descriptions of alarms can add an anchor to it.
RUNBOOK_SHAPE = re.compile(r"[^\s#]{1,300}")
STAGE_SHAPE = re.compile(r"[a-z][a-z0-9-]{0,19}")


@dataclass(frozen=True)
class Build:
    """A build: its stage, its target, its switches. `table`: an existing table instead of the stack's own."""

    stage: str
    target: Target
    tracing: bool = False
    ruleset: Path | None = None
    cors_origin: str = "*"
    log_days: int = 30
    runbook: str = RUNBOOK
    table: str = ""

    def __post_init__(self) -> None:
        if not STAGE_SHAPE.fullmatch(self.stage) or self.stage.endswith("-"):
            raise SettingError(
                f"STAGE {self.stage!r} must be 1-20 characters of a-z, 0-9 and '-', beginning with a letter."
            )
        if not ORIGIN_SHAPE.fullmatch(self.cors_origin):
            raise SettingError(
                f"CORS_ORIGIN {self.cors_origin!r} must be '*' or an origin like https://app.example.com."
            )
        if self.table and not TABLE_SHAPE.fullmatch(self.table):
            raise SettingError(f"TABLE {self.table!r} must be 3-255 characters of A-Z, a-z, 0-9, '_', '.' and '-'.")
        if not RUNBOOK_SHAPE.fullmatch(self.runbook):
            raise SettingError(
                f"RUNBOOK {self.runbook!r} must be a path or a URL of at most 300 characters without '#' and spaces."
            )
        if self.target == "aws" and self.stage == "local":
            raise SettingError("STAGE 'local' is reserved for the local stack; choose another one for AWS.")

    @property
    def protected(self) -> bool:
        """Return whether data outlives the stack: on AWS, except for stages of developers (dev, dev-anna)."""
        return self.target == "aws" and self.stage.split("-")[0] != "dev"

    @property
    def table_name(self) -> str:
        return self.table or self.prefix

    @property
    def prefix(self) -> str:
        return f"{APP}-{self.stage}"

    @property
    def architecture(self) -> str:
        if self.target == "aws":
            return "arm64"
        return "arm64" if os.uname().machine in {"arm64", "aarch64"} else "x86_64"
