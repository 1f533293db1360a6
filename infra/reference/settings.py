"""The reference of the settings: variables, functions, queues, outputs."""

from __future__ import annotations

from infra.alarms.alarm import Alarm, anchor
from infra.alarms.catalogue import catalogue
from infra.reference.markdown import code, page, table
from infra.settings import FUNCTIONS, MAX_RECEIVES, QUEUES, Build, Function, Queue
from infra.template import environment, outputs

ABOUT = (
    "What can be set, and the values that a deployment gets. The variables of functions are written by the template; "
    "`laurel stack env` prints them for the shell."
)
# Variables of make: of `run`, of `package` and `deploy`, of the tools.
MAKE = {
    "PYTHON": "the interpreter that makes the environment; default `python3`",
    "ONCE": "`make run ONCE=1` exits after printing",
    "STAGE": "the stage to package or deploy",
    "RULESET": "a ruleset file to use instead of the shipped one (`run`, `package`, `deploy`)",
    "TRACING": "`1`: X-Ray traces (`package`, `deploy`)",
    "CORS_ORIGIN": "the origin whose pages may call the API; default `*` (`package`, `deploy`)",
    "BUCKET": "an existing bucket for builds (`deploy`)",
    "IMPORT": "`1`: begin a new stack with the table and queues that an earlier one kept (`deploy`)",
    "RUNBOOK": "the address of the runbook in descriptions of alarms; default: its path (`package`, `deploy`)",
    "TABLE": "an existing table to use instead of the stack's own, such as a restored one (`package`, `deploy`)",
    "ALARM_TOPIC": "the ARN of an SNS topic that receives alarms (`deploy`)",
    "SEEDS": "number of seeds of each simulation (`sim`)",
    "ONLY": "a prefix of the figures to take (`bench`)",
    "REQUESTS": "number of random requests (`peers`)",
}
VARIABLES = {
    "LAUREL_STAGE": "name of the stage; service name in logs and metrics",
    "LAUREL_TABLE": "name of the table",
    "LAUREL_BUS": "name of the EventBridge bus",
    "LAUREL_RULESET": "file name of the ruleset in the package",
    "LAUREL_CORS_ORIGIN": "the origin that CORS allows",
    "LAUREL_TRACING": "`1`: X-Ray traces",
    "LAUREL_THREADS": "parallel calls in one invocation",
    "LAUREL_EVENTS_QUEUE": "URL of the public queue of events",
    "LAUREL_OWN_QUEUE": "URL of the queue of internal events",
    "LAUREL_BACKFILL_QUEUE": "URL of the queue of old events",
    "LAUREL_BOARDS_QUEUE": "URL of the FIFO queue of score updates",
    "LAUREL_REJECTED_QUEUE": "URL of the queue of envelopes of rejected messages",
    "LAUREL_DEAD_LETTER_QUEUE": "URL of the dead-letter queue of events",
    "LAUREL_BOARDS_DEAD_LETTER_QUEUE": "URL of the dead-letter queue of boards",
}
COUNTS_AS = {"breaching": "breaches", "notBreaching": "is fine", "ignore": "changes nothing"}
DAY_S, MINUTE_S = 86_400, 60


def settings() -> str:
    """Return the page."""
    build = Build("prod", "aws")
    variables = environment(build, FUNCTIONS[0], "default.toml")
    return page(
        "Settings",
        ABOUT,
        [
            "## Variables of make",
            table(("variable", "meaning"), [(code(name), text) for name, text in MAKE.items()]),
            "## Variables of functions",
            table(("variable", "meaning"), [(code(name), VARIABLES[name]) for name in variables]),
            "`LAUREL_LOG_LEVEL` sets the log level; default `INFO`. `LAUREL_API_URL`, the base URL of the API, is for "
            "clients; `laurel stack env` prints it.",
            "## Functions",
            table(("function", "memory", "timeout", "source", "batch", "concurrency"), map(_function, FUNCTIONS)),
            "## Queues",
            f"A message of a source queue is received at most {MAX_RECEIVES} times; then it moves to the dead-letter "
            "queue.",
            table(("queue", "kept", "visibility timeout", "dead-letter queue"), map(_queue, QUEUES)),
            "## Outputs of the stack",
            table(("output", "meaning"), [(code(name), _meaning(name)) for name in outputs(build, "")]),
            "## Alarms",
            table(("alarm", "description", "without data"), [_alarm(build, each) for each in catalogue(build)]),
        ],
    )


def _function(function: Function) -> tuple[str, ...]:
    batch = f"{function.batch_size} messages" if function.batch_size else ""
    window = f", {function.window_s} s" if function.window_s else ""
    return (
        code(function.suffix),
        f"{function.memory_mb:,} MB",
        f"{function.timeout_s} s",
        f"queue `{function.queue}`" if function.queue else "",
        batch + window,
        str(function.concurrency or ""),
    )


def _queue(queue: Queue) -> tuple[str, ...]:
    dead_letter = next((each.name for each in QUEUES if each.key == queue.dead_letter), "")
    return (
        code(queue.name),
        f"{queue.retention_s // DAY_S} days",
        f"{queue.visibility_s // MINUTE_S} min" if queue.visibility_s >= MINUTE_S else f"{queue.visibility_s} s",
        code(dead_letter),
    )


def _meaning(output: str) -> str:
    known = {
        "TableName": "name of the table",
        "BusName": "name of the bus",
        "RulesetId": "version and digest of the deployed ruleset",
        "ApiUrl": "base URL of the API",
    }
    return known.get(output) or f"URL of the queue `{output.removesuffix('QueueUrl')}`"


def _alarm(build: Build, alarm: Alarm) -> tuple[str, ...]:
    description = alarm.text.replace(build.prefix, "laurel-<stage>")
    link = f"[{alarm.section}](../runbook.md#{anchor(alarm.section)})"
    return code(f"laurel-<stage>-{alarm.name}"), f"{description} See {link}", f"{COUNTS_AS[alarm.missing]}: {alarm.why}"
