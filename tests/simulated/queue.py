"""One SQS queue, standard or FIFO: what is visible, in flight, delayed, deduplicated, dead."""

from __future__ import annotations

import hashlib
import heapq
import json
import random
from collections import deque
from collections.abc import Callable
from typing import Any

from .errors import AwsError
from .message import Message, invalid_parameter

DEDUPE_MS = 5 * 60 * 1000
MAX_MESSAGE_BYTES = 1024 * 1024
NUMBERS = tuple(f"ApproximateNumberOfMessages{state}" for state in ("", "NotVisible", "Delayed"))
_DEFAULTS = {
    "VisibilityTimeout": "30",
    "DelaySeconds": "0",
    "MessageRetentionPeriod": "345600",
    "MaximumMessageSize": str(MAX_MESSAGE_BYTES),
    "ReceiveMessageWaitTimeSeconds": "0",
}


class Queue:
    """`name` ending in .fifo makes it FIFO. Times in epoch milliseconds."""

    def __init__(self, name: str, url: str, arn: str, attributes: dict[str, str]) -> None:
        self.name, self.url, self.arn = name, url, arn
        self.fifo = name.endswith(".fifo")
        self.attributes = dict(_DEFAULTS)
        self.redrive_arn = ""
        self.max_receives = 0
        self.configure(attributes)
        self._waiting: deque[Message] = deque()
        self._hidden: list[tuple[int, int, Message]] = []
        self._groups: dict[str, deque[Message]] = {}
        self._receipts: dict[str, Message] = {}
        self._dedupes: dict[str, tuple[int, Message]] = {}
        self._counter = 0
        self._past: deque[tuple[int, list[tuple[int, bool]]]] = deque()
        self.past_ms = 0
        self.expired: list[Message] = []

    def configure(self, attributes: dict[str, str]) -> None:
        self.attributes.update({name: str(value) for name, value in attributes.items()})
        policy = json.loads(self.attributes.get("RedrivePolicy") or "{}")
        self.redrive_arn = policy.get("deadLetterTargetArn", "")
        self.max_receives = int(policy.get("maxReceiveCount", 0))

    @property
    def visibility_ms(self) -> int:
        return int(self.attributes["VisibilityTimeout"]) * 1000

    def messages(self) -> list[Message]:
        """Return all messages in the queue, visible or not, oldest first."""
        held = self._held()
        return held if self.fifo else sorted(held, key=lambda m: m.sent_ms)

    def _held(self) -> list[Message]:
        if self.fifo:
            return [m for group in self._groups.values() for m in group]
        return [*self._waiting, *(m for at, _, m in self._hidden if not m.deleted and m.visible_ms == at)]

    def described(self, moments: Callable[[], int]) -> dict[str, str]:
        """Return all attributes; each number is that of one of the `moments`, as SQS answers by parts of a queue."""
        return {
            **self.attributes,
            "QueueArn": self.arn,
            **{name: str(self._numbers(moments())[name]) for name in NUMBERS},
            **({"FifoQueue": "true"} if self.fifo else {}),
        }

    def _numbers(self, at_ms: int) -> dict[str, int]:
        """Return the number of messages in each state at a moment, the present one or one that is remembered."""
        states = next((states for since, states in reversed(self._past) if since <= at_ms), [])
        if not self.past_ms:
            states = self._states()
        visible = sum(visible_ms <= at_ms for visible_ms, _ in states)
        flying = sum(visible_ms > at_ms and received for visible_ms, received in states)
        return dict(zip(NUMBERS, (visible, flying, len(states) - visible - flying), strict=True))

    def _states(self) -> list[tuple[int, bool]]:
        return [(message.visible_ms, message.receive_count > 0) for message in self._held()]

    def _remember(self, now_ms: int) -> None:
        """Remember the state from now on, if callers may get numbers of the past."""
        if not self.past_ms:
            return
        while len(self._past) > 1 and self._past[1][0] <= now_ms - self.past_ms:
            self._past.popleft()
        self._past.append((now_ms, self._states()))

    def purge(self, now_ms: int) -> None:
        for message in self.messages():
            message.deleted = True
        self._waiting.clear()
        self._hidden.clear()
        self._groups.clear()
        self._remember(now_ms)

    # sending

    def send(self, entry: dict[str, Any], now_ms: int, rng: random.Random) -> Message:
        body = entry.get("MessageBody")
        if not body:
            raise invalid_parameter("The request must contain the parameter MessageBody.", "MissingParameter")
        size = len(body) if body.isascii() else len(body.encode())
        if size > int(self.attributes["MaximumMessageSize"]):
            raise invalid_parameter(
                "One or more parameters are invalid. Reason: Message must be shorter than "
                f"{self.attributes['MaximumMessageSize']} bytes."
            )
        message = Message(entry, now_ms, rng)
        if self.fifo:
            return self._send_in_order(message, entry, now_ms)
        delay = entry.get("DelaySeconds")
        self.place(message, now_ms + 1000 * int(self.attributes["DelaySeconds"] if delay is None else delay), now_ms)
        return message

    def _send_in_order(self, message: Message, entry: dict[str, Any], now_ms: int) -> Message:
        if not message.group:
            raise invalid_parameter("The request must contain the parameter MessageGroupId.", "MissingParameter")
        if entry.get("DelaySeconds"):
            raise invalid_parameter(
                f"Value {entry['DelaySeconds']} for parameter DelaySeconds is invalid. Reason: The request include "
                "parameter that is not valid for this queue type."
            )
        dedupe = entry.get("MessageDeduplicationId")
        if not dedupe:
            if self.attributes.get("ContentBasedDeduplication") != "true":
                raise invalid_parameter(
                    "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId "
                    "provided explicitly"
                )
            dedupe = hashlib.sha256(message.body.encode()).hexdigest()
        known = self._dedupes.get(dedupe)
        if known is not None and known[0] > now_ms:
            return known[1]
        self._counter += 1
        message.dedupe, message.sequence = dedupe, f"{18_850_000_000_000_000_000 + self._counter * 256}"
        self._dedupes[dedupe] = (now_ms + DEDUPE_MS, message)
        self._groups.setdefault(message.group, deque()).append(message)
        self._remember(now_ms)
        return message

    def place(self, message: Message, visible_ms: int, now_ms: int) -> None:
        """Put a message into the queue, visible from `visible_ms` on."""
        message.visible_ms = visible_ms
        if self.fifo:
            self._groups.setdefault(message.group, deque()).append(message)
        elif visible_ms <= now_ms:
            self._waiting.append(message)
        else:
            self._hide(message)
        self._remember(now_ms)

    def _hide(self, message: Message) -> None:
        self._counter += 1
        heapq.heappush(self._hidden, (message.visible_ms, self._counter, message))

    # receiving

    def _wake(self, now_ms: int) -> None:
        while self._hidden and self._hidden[0][0] <= now_ms:
            at, _, message = heapq.heappop(self._hidden)
            if not message.deleted and message.visible_ms == at:
                self._waiting.append(message)

    def deliverable(self, now_ms: int) -> bool:
        """Return whether a receive would find something."""
        if self.fifo:
            return any(group and self._free(group, now_ms) for group in self._groups.values())
        return bool(self._waiting) or bool(self._hidden and self._hidden[0][0] <= now_ms)

    def next_ms(self) -> int | None:
        """Return the earliest time at which a receive can find something; None if the queue is empty."""
        if self.fifo:
            times = [max(m.visible_ms for m in group) for group in self._groups.values() if group]
            return min(times, default=None)
        while self._hidden and (self._hidden[0][2].deleted or self._hidden[0][2].visible_ms != self._hidden[0][0]):
            heapq.heappop(self._hidden)
        return 0 if self._waiting else self._hidden[0][0] if self._hidden else None

    @staticmethod
    def _free(group: deque[Message], now_ms: int) -> bool:
        return all(message.visible_ms <= now_ms for message in group)

    def receive(
        self, now_ms: int, most: int, visibility_s: float | None, rng: random.Random, dead: Queue | None
    ) -> list[Message]:
        """Return up to `most` messages, hidden from others for the visibility timeout (default: the queue's)."""
        self._wake(now_ms)
        hide_ms = self.visibility_ms if visibility_s is None else int(visibility_s * 1000)
        found: list[Message] = []
        for message in self._candidates(now_ms, most):
            if now_ms - message.sent_ms > 1000 * int(self.attributes["MessageRetentionPeriod"]):
                self._drop(message)
                self.expired.append(message)
            elif self.max_receives and dead is not None and message.receive_count >= self.max_receives:
                self._drop(message)
                self._bury(message, dead, now_ms)
            else:
                found.append(message)
        for message in found:
            message.receive_count += 1
            message.first_received_ms = message.first_received_ms or now_ms
            message.visible_ms = now_ms + hide_ms
            message.receipt = f"{message.id}#{rng.getrandbits(64):016x}"
            self._receipts[message.receipt] = message
            if not self.fifo:
                self._hide(message)
        self._remember(now_ms)
        return found

    def _candidates(self, now_ms: int, most: int) -> list[Message]:
        if not self.fifo:
            return [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]
        found: list[Message] = []
        for group in self._groups.values():
            if group and self._free(group, now_ms):
                found += list(group)[: most - len(found)]
            if len(found) == most:
                break
        return found

    def shuffle(self, now_ms: int, rng: random.Random) -> None:
        """Shuffle a standard queue, which keeps no order."""
        self._wake(now_ms)
        if len(self._waiting) > 1:
            waiting = list(self._waiting)
            rng.shuffle(waiting)
            self._waiting = deque(waiting)

    def _drop(self, message: Message) -> None:
        message.deleted = True
        self._receipts.pop(message.receipt, None)
        if self.fifo:
            group = self._groups[message.group]
            group.remove(message)
            if not group:
                del self._groups[message.group]

    def _bury(self, message: Message, dead: Queue, now_ms: int) -> None:
        twin = message.copy()
        twin.dead_from = self.arn
        twin.receive_count = twin.first_received_ms = 0
        if self.fifo:
            twin.sent_ms = now_ms
        dead.place(twin, now_ms, now_ms)

    def delete(self, receipt: str, now_ms: int) -> None:
        """Delete a message.

        An old handle of a standard message still deletes it; one of a FIFO message must be in flight.
        """
        message = self._receipts.get(receipt)
        if message is None:
            if "#" not in receipt:
                raise AwsError(
                    "ReceiptHandleIsInvalid",
                    f'The input receipt handle "{receipt}" is not a valid receipt handle.',
                    legacy_code="ReceiptHandleIsInvalid",
                )
            return
        if self.fifo and (message.receipt != receipt or message.visible_ms <= now_ms):
            raise invalid_parameter(
                f"Value {receipt} for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired."
            )
        if not message.deleted:
            if message in self._waiting:
                self._waiting.remove(message)
            self._drop(message)
        self._receipts.pop(receipt, None)
        self._remember(now_ms)

    def change_visibility(self, receipt: str, seconds: int, now_ms: int) -> None:
        message = self._receipts.get(receipt)
        if message is None or message.deleted or message.receipt != receipt or message.visible_ms <= now_ms:
            raise AwsError(
                "MessageNotInflight",
                f"Value {receipt} for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not "
                "available for visibility timeout change.",
                legacy_code="AWS.SimpleQueueService.MessageNotInflight",
            )
        message.visible_ms = now_ms + int(seconds) * 1000
        if not self.fifo:
            if seconds:
                self._hide(message)
            else:
                self._waiting.append(message)
        self._remember(now_ms)
