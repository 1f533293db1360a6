"""Lambda event sources on simulated queues: batches in, partial failures out, everything a poller may do to them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .calls import Call, Killed
from .errors import AwsError
from .message import Message
from .queue import Queue
from .sqs import ACCOUNT, REGION, lambda_event

if TYPE_CHECKING:
    from .world import World

Handler = Callable[[dict[str, Any], Any], Any]


class LambdaContext:
    """The second argument of a Lambda function; its remaining time runs on the virtual clock."""

    def __init__(self, world: World, name: str, request_id: str, timeout_s: float) -> None:
        self.function_name = name
        self.function_version = "$LATEST"
        self.memory_limit_in_mb = 512
        self.invoked_function_arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"
        self.aws_request_id = request_id
        self.log_group_name, self.log_stream_name = f"/aws/lambda/{name}", "simulated"
        self.deadline_ms = world.now_ms() + round(timeout_s * 1000)
        self._world = world

    def get_remaining_time_in_millis(self) -> int:
        return max(0, self.deadline_ms - self._world.now_ms())


class EventSource:
    """Feeds one queue to one handler. Counters: `batches`, `delivered`, `deleted`, `failed`, `errors`, `deaths`."""

    def __init__(
        self,
        world: World,
        queue: Queue,
        handler: Handler,
        name: str,
        batch_size: int,
        visibility_s: float | None,
        concurrency: int,
        report_failures: bool,
        timeout_s: float,
        kill_at_timeout: bool,
        role: str = "",
    ) -> None:
        self.world, self.queue, self.handler, self.name, self.role = world, queue, handler, name, role
        self.batch_size, self.visibility_s, self.concurrency = batch_size, visibility_s, concurrency
        self.report_failures, self.timeout_s, self.kill_at_timeout = report_failures, timeout_s, kill_at_timeout
        self.active = self.batches = self.delivered = self.deleted = 0
        self.failed = self.errors = self.deaths = 0
        self.last_error: BaseException | None = None

    def ready(self, now_ms: int) -> bool:
        return self.active < self.concurrency and self.queue.deliverable(now_ms)

    def next_ms(self) -> int | None:
        return None if self.active >= self.concurrency else self.queue.next_ms()

    def start(self) -> None:
        """Receive a batch of some size and start an invocation with it."""
        world = self.world
        rng, now_ms = world.rng, world.now_ms()
        faults = world.faults
        if not self.queue.fifo and faults.reorder and rng.random() < faults.reorder:
            self.queue.shuffle(now_ms, rng)
            world.count("reorder")
        size = rng.randint(1, self.batch_size)
        messages = world.sqs.take(self.queue, size, self.visibility_s, Call(now_ms, rng))
        if not messages:
            return
        if not self.queue.fifo and faults.duplicate:
            self._duplicate(messages)
        self.batches += 1
        self.delivered += len(messages)
        self.active += 1
        request_id = f"{rng.getrandbits(128):032x}"
        context = LambdaContext(world, self.name, request_id, self.timeout_s)
        event = lambda_event(self.queue, messages)
        receipts = {message.id: message.receipt for message in messages}
        world.note(self.name, "deliver", ",".join(message.id[:4] for message in messages), "")
        actor = world.scheduler.spawn(f"{self.name}-{self.batches}", self._invoke, event, context, receipts)
        actor.process.role = self.role
        if self.kill_at_timeout:
            actor.process.deadline_ms = context.deadline_ms

    def _duplicate(self, messages: list[Message]) -> None:
        rng, faults, now_ms = self.world.rng, self.world.faults, self.world.now_ms()
        for message in messages:
            if rng.random() < faults.duplicate:
                span = rng.choice((1.0, 30.0, faults.duplicate_s))
                self.queue.place(message.copy(), now_ms + rng.randint(1, round(1000 * span)), now_ms)
                self.world.count("duplicate")

    def _invoke(self, event: dict[str, Any], context: LambdaContext, receipts: dict[str, str]) -> None:
        try:
            answer = self.handler(event, context)
        except Killed:
            self.deaths += 1
            raise
        except Exception as error:
            self.errors += 1
            self.last_error = error
            self.world.note(self.name, "error", type(error).__name__, str(error)[:80])
            return
        finally:
            self.active -= 1
        failed = failed_ids(answer, set(receipts)) if self.report_failures else set()
        self.failed += len(failed)
        for message_id, receipt in receipts.items():
            if message_id not in failed:
                self._delete(receipt)

    def _delete(self, receipt: str) -> None:

        try:
            self.queue.delete(receipt, self.world.now_ms())
            self.deleted += 1
        except AwsError:
            self.world.count("expired_receipt")


def failed_ids(answer: Any, delivered: set[str]) -> set[str]:
    """Return the messages that Lambda keeps in the queue, given the function's result.

    An answer that Lambda cannot read, or an id that was not in the batch, keeps the whole batch.
    """
    if answer is None or not isinstance(answer, dict):
        return set()
    failures = answer.get("batchItemFailures")
    if not failures:
        return set()
    ids = {str(failure.get("itemIdentifier")) if isinstance(failure, dict) else "" for failure in failures}
    return ids if ids <= delivered else delivered
