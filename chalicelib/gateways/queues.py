"""Laurel's SQS queues. A send succeeds when the queue has accepted every message: failed entries are retried."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.domain.core.batches import batched
from chalicelib.domain.core.errors import OutOfReach
from chalicelib.gateways.calls import worth_another_try
from chalicelib.retry import OUT_OF_TIME, Retry

T = TypeVar("T")

# SQS's own limits. Every region and emulator accepts 256 KB per call.
MAX_ENTRIES = 10
MAX_BATCH_BYTES = 256 * 1024
# Four pauses take well under a second; then the caller's own retry is better.
MAX_TRIES = 5
# Every message of a queue is in one of these counts. All three are approximate and up to a minute old.
_NUMBERS = tuple(f"ApproximateNumberOfMessages{state}" for state in ("", "NotVisible", "Delayed"))
# Characters that JSON allows unescaped. SQS refuses them, together with all other messages of the call.
_ESCAPED = {ord("\ufffe"): "\\ufffe", ord("\uffff"): "\\uffff"}


class NotSent(OutOfReach):
    """A queue did not accept all messages. Accepted ones may be sent again."""


class NotCounted(OutOfReach):
    """A queue did not return its number of messages."""


class NotDeleted(OutOfReach):
    """A queue kept messages that were to be deleted. They will be delivered again."""


@dataclass(frozen=True, slots=True)
class Received:
    """A message in flight.

    `sent_ms`: when its first queue received it. `source`: short name of the queue that dead-lettered it, '' if unknown.
    `group`, `sequence`: its message group and sequence number on a FIFO queue.
    """

    id: str
    receipt: str
    body: str
    sent_ms: int
    attempts: int
    source: str = ""
    group: str = ""
    sequence: str = ""


class SqsQueues:
    """Queues by their short name (`events`, `own`, `boards`, ...), from a map of name to URL. Bodies are JSON."""

    def __init__(self, client: Any, urls: Mapping[str, str], pause: Callable[[int], None]) -> None:
        self.client, self.urls, self.retry = client, urls, Retry(pause)

    def using(self, retry: Retry) -> SqsQueues:
        """Return the same queues with another retry policy."""
        queues = copy.copy(self)
        queues.retry = retry
        return queues

    def send(self, queue: str, bodies: Sequence[str]) -> None:
        """Send message bodies to a standard queue. Raises NotSent if any is not accepted in time."""
        self._send(queue, [{"MessageBody": _sendable(body)} for body in bodies])

    def send_each(self, queue: str, bodies: Sequence[str]) -> list[NotSent | None]:
        """Send message bodies to a standard queue; return None for each accepted one, an error for all others.

        A message with an error may have been accepted.
        """
        outcomes: list[NotSent | None] = []
        for batch in _calls_of([{"MessageBody": _sendable(body)} for body in bodies]):
            left = self._try_batch(self.urls[queue], batch)
            outcomes += [left.get(index) for index in range(len(batch))]
        return outcomes

    def send_grouped(self, queue: str, bodies: Sequence[tuple[str, str]]) -> None:
        """Send (group, body) to a FIFO queue, in order within a group. Raises NotSent.

        The queue drops a body repeated within 5 minutes.
        """
        self._send(
            queue,
            [
                {
                    "MessageBody": _sendable(body),
                    "MessageGroupId": group,
                    "MessageDeduplicationId": hashlib.sha256(body.encode()).hexdigest(),
                }
                for group, body in bodies
            ],
        )

    def postpone(self, queue: str, receipts: Mapping[str, int]) -> None:
        """Set the seconds after which messages in flight are delivered again, by receipt handle. Best effort."""
        for batch in batched(receipts.items(), MAX_ENTRIES):
            entries = [
                {"Id": str(index), "ReceiptHandle": handle, "VisibilityTimeout": seconds}
                for index, (handle, seconds) in enumerate(batch)
            ]
            if not self.retry.has_time():
                return
            # A failed entry or call leaves the queue's own visibility timeout: a later delivery, never a lost message.
            with suppress(ClientError, BotoCoreError):
                self.client.change_message_visibility_batch(QueueUrl=self.urls[queue], Entries=entries)

    def receive(self, queue: str, visibility_s: int, wait_s: int = 1) -> list[Received]:
        """Return up to 10 messages and hide them from other consumers for `visibility_s`.

        With a wait SQS queries all of its servers, so an empty result means that no message is visible.
        """

        def call() -> dict[str, Any]:
            found: dict[str, Any] = self.client.receive_message(
                QueueUrl=self.urls[queue],
                MaxNumberOfMessages=MAX_ENTRIES,
                VisibilityTimeout=visibility_s,
                WaitTimeSeconds=wait_s,
                MessageSystemAttributeNames=["All"],
            )
            return found

        answer = self._retried(call)
        return [self._received(message) for message in answer.get("Messages", [])]

    def backlog(self, queue: str) -> int:
        """Return the approximate number of messages of a queue: waiting, in flight and delayed. Raises NotCounted."""
        url = self.urls[queue]
        try:
            answer = self._retried(
                lambda: self.client.get_queue_attributes(QueueUrl=url, AttributeNames=list(_NUMBERS))
            )
            return sum(int(answer["Attributes"][name]) for name in _NUMBERS)
        except (ClientError, BotoCoreError) as error:
            raise NotCounted(f"'{queue}' did not return its number of messages: {error}") from error

    def delete(self, queue: str, receipts: Sequence[str]) -> None:
        """Delete messages in flight. Raises NotDeleted."""
        for batch in batched(receipts, MAX_ENTRIES):
            pending = {str(index): handle for index, handle in enumerate(batch)}
            if not self.retry.has_time():
                raise NotDeleted(OUT_OF_TIME)
            for _ in self.retry.tries(MAX_TRIES):
                entries = [{"Id": name, "ReceiptHandle": handle} for name, handle in pending.items()]
                try:
                    answer = self.client.delete_message_batch(QueueUrl=self.urls[queue], Entries=entries)
                except (ClientError, BotoCoreError) as error:
                    if not worth_another_try(error):
                        raise NotDeleted(f"{len(pending)} messages were not deleted from '{queue}': {error}") from error
                    continue
                pending = {entry["Id"]: pending[entry["Id"]] for entry in answer.get("Failed", [])}
                if not pending:
                    break
            else:
                raise NotDeleted(f"{len(pending)} messages were not deleted from '{queue}'")

    def _retried(self, call: Callable[[], T]) -> T:
        """Return the result of a read-only call. Retry while the queue has trouble of its own."""
        lost: Exception = OutOfReach(OUT_OF_TIME)
        if not self.retry.has_time():
            raise lost
        for _ in self.retry.tries(MAX_TRIES):
            try:
                return call()
            except (ClientError, BotoCoreError) as error:
                if not worth_another_try(error):
                    raise
                lost = error
        raise lost

    def _received(self, message: dict[str, Any]) -> Received:
        attributes = message["Attributes"]
        origin = attributes.get("DeadLetterQueueSourceArn", "").rpartition(":")[2]
        names = {url.rpartition("/")[2]: name for name, url in self.urls.items() if url}
        return Received(
            id=message["MessageId"],
            receipt=message["ReceiptHandle"],
            body=message["Body"],
            sent_ms=int(attributes["SentTimestamp"]),
            attempts=int(attributes.get("ApproximateReceiveCount", 1)),
            source=names.get(origin, ""),
            group=attributes.get("MessageGroupId", ""),
            sequence=attributes.get("SequenceNumber", ""),
        )

    def _send(self, queue: str, messages: list[dict[str, str]]) -> None:
        for batch in _calls_of(messages):
            self._send_batch(self.urls[queue], batch)

    def _send_batch(self, url: str, batch: list[dict[str, str]]) -> None:
        for error in self._try_batch(url, batch).values():
            raise error

    def _try_batch(self, url: str, batch: list[dict[str, str]]) -> dict[int, NotSent]:
        """Send the messages of one call; return the error of each one not accepted, by its index."""
        pending = {str(index): message for index, message in enumerate(batch)}
        if not self.retry.has_time():
            return dict.fromkeys(range(len(batch)), NotSent(OUT_OF_TIME))
        reasons: dict[str, str] = {}
        for _ in self.retry.tries(MAX_TRIES):
            entries = [{"Id": name, **message} for name, message in pending.items()]
            try:
                answer = self.client.send_message_batch(QueueUrl=url, Entries=entries)
            except (ClientError, BotoCoreError) as error:
                reasons = dict.fromkeys(pending, str(error))
                if not worth_another_try(error):
                    break
                continue
            reasons = {entry["Id"]: entry.get("Code", "unknown") for entry in answer.get("Failed", [])}
            pending = {name: pending[name] for name in reasons}
            if not pending:
                break
        sentence = f"{len(reasons)} of {len(batch)} messages not accepted: "
        return {int(name): NotSent(sentence + reason) for name, reason in reasons.items()}


def _sendable(body: str) -> str:
    return body if body.isascii() else body.translate(_ESCAPED)


def _calls_of(messages: Sequence[dict[str, str]]) -> list[list[dict[str, str]]]:
    """Split messages into calls of at most 10 messages and 256 KB."""
    calls: list[list[dict[str, str]]] = []
    size = 0
    for message in messages:
        length = len(message["MessageBody"].encode())
        if not calls or len(calls[-1]) == MAX_ENTRIES or size + length > MAX_BATCH_BYTES:
            calls.append([])
            size = 0
        calls[-1].append(message)
        size += length
    return calls
